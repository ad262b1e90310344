// The values of a flag that names several paths: `--input=a,b --input=c`.
#ifndef BASE_PATH_LIST_H_
#define BASE_PATH_LIST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace slimreel {

// Separates the values of a list flag that is given several times (Program::list_flags).
inline constexpr char kBetweenValues = '\n';

// Splits each value at its commas, unless the whole value is the name of an existing file.
std::vector<std::string> PathList(absl::string_view values);

}  // namespace slimreel

#endif  // BASE_PATH_LIST_H_
