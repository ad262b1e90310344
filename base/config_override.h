// A setting given on the command line.
#ifndef BASE_CONFIG_OVERRIDE_H_
#define BASE_CONFIG_OVERRIDE_H_

#include <string>

namespace slimreel {

// `data.batch_size=4`. The value is YAML.
struct ConfigOverride {
  std::string key;
  std::string value;
  friend bool operator==(const ConfigOverride&, const ConfigOverride&) = default;
};

}  // namespace slimreel

#endif  // BASE_CONFIG_OVERRIDE_H_
