// Text -> YAML nodes, with mistakes as a Status: the only place that meets yaml-cpp's
// exceptions, by which alone it reports what is no YAML.
#ifndef BASE_CONFIG_YAML_TEXT_H_
#define BASE_CONFIG_YAML_TEXT_H_

#include <yaml-cpp/yaml.h>

#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

// InvalidArgument: "<origin>:<line>: <what yaml-cpp says>", or more than one document.
absl::StatusOr<YAML::Node> ParseYaml(const std::string& text, const std::string& origin);

}  // namespace slimreel

#endif  // BASE_CONFIG_YAML_TEXT_H_
