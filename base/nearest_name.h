// Suggests the nearest known name: "did you mean ...?" for keys, flags and names of a table.
// Threading: pure functions.
#ifndef BASE_NEAREST_NAME_H_
#define BASE_NEAREST_NAME_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace slimreel {

// The known name with the smallest edit distance, or "" if `known` is empty; the first of equals.
// The distance counts insertions, deletions, substitutions and swaps of neighbours (Damerau's
// optimal string alignment) and ignores case.
std::string NearestName(absl::string_view name, const std::vector<std::string>& known);

// "; did you mean X?", or "" if the nearest name differs in more than half of its characters.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

}  // namespace slimreel

#endif  // BASE_NEAREST_NAME_H_
