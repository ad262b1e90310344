// Converts one YAML value to one C++ value and back. Errors are InvalidArgument, and the message
// continues the name of the key: `is "x"; allowed is a whole number`.
//
// Quoting does not matter: "8" and 8 are the same. Independent of the locale. Threading: pure
// functions.
#ifndef BASE_CONFIG_VALUE_H_
#define BASE_CONFIG_VALUE_H_

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// The bounds of a number. A bound that is marked open is itself not allowed.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;

  bool Hold(double value) const;
  std::string ToText() const;  // "1 or more", "0 to 1", "more than 0"
};
inline Bounds AtLeast(double low) { return {.low = low}; }
inline Bounds MoreThan(double low) { return {.low = low, .low_open = true}; }
inline Bounds Between(double low, double high) { return {.low = low, .high = high}; }

// The error `is "x"; allowed is ...`.
absl::Status NotAllowed(const YAML::Node& value, absl::string_view allowed);
// The value on one line, for a person to recognise.
std::string ValueText(const YAML::Node& value);

// Whether the value is missing, null, empty, `none` or `null`.
bool IsNone(const YAML::Node& value);
absl::StatusOr<int64_t> ParseInt(const YAML::Node& value, const Bounds& bounds);
absl::StatusOr<double> ParseFloat(const YAML::Node& value, const Bounds& bounds);
absl::StatusOr<bool> ParseBool(const YAML::Node& value);  // true/false, yes/no, on/off
absl::StatusOr<std::string> ParseText(const YAML::Node& value);
// A list, or one scalar that is split at commas. Empty parts are an error; `none` gives no items.
absl::StatusOr<std::vector<std::string>> ParseTextList(const YAML::Node& value);

// YAML on one line that reads back to the same texts, whatever bytes they hold.
std::string YamlText(absl::string_view text);
std::string YamlList(const std::vector<std::string>& items);                         // [a, b]
std::string YamlMap(const std::vector<std::pair<std::string, std::string>>& pairs);  // {a: b}
// The shortest number that reads back to the same bits.
std::string YamlFloat(double value);

}  // namespace slimreel

#endif  // BASE_CONFIG_VALUE_H_
