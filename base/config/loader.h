// From a YAML file and overrides to the fields of a key table: every mistake is
// collected and reported at once, with file, line, key, what is allowed, and the
// nearest known name.
#ifndef BASE_CONFIG_LOADER_H_
#define BASE_CONFIG_LOADER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/config/key.h"
#include "base/config_override.h"

namespace slimreel {

// A name that people bring from elsewhere.
struct ConfigAlias {
  std::string name;
  std::string key;
  // Values that stand for others (fp16: true -> 16); an empty second: the
  // setting says nothing (fp16: false). Values not listed pass as they are.
  std::vector<std::pair<std::string, std::string>> values;
};

// Applies the file (none where `path` is empty; a pipe or device is read like one),
// then the overrides in order.
// InvalidArgument (NotFound: no such file) holds one line per mistake. Notes on
// aliases used are appended to `notes`, one line each.
absl::Status ApplyConfig(const std::string& path, const std::vector<ConfigOverride>& overrides,
                         const std::vector<ConfigAlias>& aliases, std::vector<ConfigKey>* keys,
                         std::vector<std::string>* notes);

// The fields of the table as a YAML file that reads back to the same.
// `with_comments` puts meaning and what is allowed above each key.
std::string ConfigKeysToYaml(const std::vector<ConfigKey>& keys, bool with_comments);

}  // namespace slimreel

#endif  // BASE_CONFIG_LOADER_H_
