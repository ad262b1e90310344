// "Did you mean ...?" for keys, flags and names of a table.
#ifndef BASE_NEAREST_NAME_H_
#define BASE_NEAREST_NAME_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace slimreel {

// The known name with the least edit distance (insertions, deletions,
// substitutions and swaps of neighbours; Damerau's optimal string alignment;
// case does not count), or "" where `known` is empty. Ties: the first.
std::string NearestName(absl::string_view name, const std::vector<std::string>& known);

// "; did you mean X?", or "" where nothing known is near (more than half differs).
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

}  // namespace slimreel

#endif  // BASE_NEAREST_NAME_H_
