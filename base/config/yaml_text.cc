#include "base/config/yaml_text.h"

#include "absl/strings/str_cat.h"

namespace slimreel {

absl::StatusOr<YAML::Node> ParseYaml(const std::string& text, const std::string& origin) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        error.mark.is_null() ? absl::StrCat(origin, ": cannot be read as YAML: ", error.msg)
                             : absl::StrCat(origin, ":", error.mark.line + 1, ": ", error.msg));
  }
}

}  // namespace slimreel
