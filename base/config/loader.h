// Sets the fields of a key table from a YAML file and overrides. All mistakes are reported at
// once, each with file, line, key, what is allowed, and the nearest known name.
//
// Threading: free functions without state.
#ifndef BASE_CONFIG_LOADER_H_
#define BASE_CONFIG_LOADER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/config/key.h"
#include "base/config_override.h"

namespace slimreel {

// Another name for a key, from another program.
struct ConfigAlias {
  std::string name;
  std::string key;
  // Values that are translated (fp16: true -> 16). If the second is empty, the setting is ignored
  // (fp16: false). Values that are not listed stay as they are.
  std::vector<std::pair<std::string, std::string>> values;
};

// Applies the file (no file if `path` is empty; pipes and devices work too), then the overrides in
// order. Errors: NotFound (no such file), or InvalidArgument with one line per mistake. Appends one
// line to `notes` for each alias that was used.
absl::Status ApplyConfig(const std::string& path, const std::vector<ConfigOverride>& overrides,
                         const std::vector<ConfigAlias>& aliases, std::vector<ConfigKey>* keys,
                         std::vector<std::string>* notes);

// The fields of the table as a YAML file that reads back to the same values. `with_comments` puts
// the meaning and what is allowed above each key.
std::string ConfigKeysToYaml(const std::vector<ConfigKey>& keys, bool with_comments);

}  // namespace slimreel

#endif  // BASE_CONFIG_LOADER_H_
