#include "base/config/yaml_text.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace slimreel {

absl::StatusOr<YAML::Node> ParseYaml(const std::string& text, const std::string& origin) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty()) return YAML::Node();
    if (documents.size() == 1) return documents[0];
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ":", documents[1].Mark().line + 1,
                     ": is in a second YAML document; allowed is one per file: remove the \"---\" "
                     "before it"));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        error.mark.is_null() ? absl::StrCat(origin, ": cannot be read as YAML: ", error.msg)
                             : absl::StrCat(origin, ":", error.mark.line + 1, ": ", error.msg));
  }
}

}  // namespace slimreel
