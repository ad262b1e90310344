// Parses text to YAML nodes and returns errors as a Status. This is the only place that catches
// exceptions of yaml-cpp, which reports wrong YAML only by exceptions.
#ifndef BASE_CONFIG_YAML_TEXT_H_
#define BASE_CONFIG_YAML_TEXT_H_

#include <yaml-cpp/yaml.h>

#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

// Error: InvalidArgument "<origin>:<line>: <message of yaml-cpp>", also for a second document.
absl::StatusOr<YAML::Node> ParseYaml(const std::string& text, const std::string& origin);

}  // namespace slimreel

#endif  // BASE_CONFIG_YAML_TEXT_H_
