// One row of the key table: the key's name, what it allows, what it means, and the field that it
// sets. The parser, the printed help, the resolved file and the comparison of configurations all
// read this one table, so none of them can go stale.
//
// A row points into an option struct, which must outlive it. The value of the field when the row
// is made is the default of the key. Threading: as the option struct.
#ifndef BASE_CONFIG_KEY_H_
#define BASE_CONFIG_KEY_H_

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/config/value.h"
#include "base/word_list.h"

namespace slimreel {

struct ConfigKey {
  std::string name;          // data.batch_size
  std::string allowed;       // "a whole number, 1 or more": used in help and errors
  std::string meaning;       // one line
  std::string default_text;  // YAML
  // Sets the field. On an error the field stays as it was, and the message continues the name of
  // the key.
  std::function<absl::Status(const YAML::Node&)> set;
  std::function<std::string()> get;  // the field as YAML
  // Values that are refused because they are not yet available: these, or with `later` every value
  // except the default.
  std::vector<std::string> later_values;
  bool later = false;
  bool changes_result = true;  // another value may change what is learnt
  bool part_of_map = false;    // the value is printed as part of another key, which is a map

  ConfigKey& Later();
  // The values as `get` prints them. Values that `get` never prints are only shown in help; `set`
  // must refuse them.
  ConfigKey& LaterValues(std::vector<std::string> values);
  ConfigKey& KeepsResult();  // changes_result = false
  ConfigKey& PartOfMap();
};

// A row for a field that none of the functions below can read. If `set` returns InvalidArgument,
// its message is replaced by one with `allowed`, so that errors name the same forms as help. Other
// errors keep their message. `words` are the words among what is allowed, for "did you mean".
ConfigKey CustomKey(std::string name, std::string allowed, std::string meaning,
                    std::function<absl::Status(const YAML::Node&)> set,
                    std::function<std::string()> get, std::vector<std::string> words = {});

ConfigKey IntKey(std::string name, int64_t* field, Bounds bounds, std::string meaning);
ConfigKey FloatKey(std::string name, double* field, Bounds bounds, std::string meaning);
ConfigKey BoolKey(std::string name, bool* field, std::string meaning);
ConfigKey BytesKey(std::string name, ByteSpec* field, std::string meaning);
ConfigKey TextListKey(std::string name, std::vector<std::string>* field, std::string meaning);
// In these, the word `unset` (and `none`) means the empty text, or no value.
ConfigKey TextKey(std::string name, std::string* field, std::string unset, std::string meaning);
ConfigKey IntKey(std::string name, std::optional<int64_t>* field, Bounds bounds, std::string unset,
                 std::string meaning);
ConfigKey FloatKey(std::string name, std::optional<double>* field, Bounds bounds, std::string unset,
                   std::string meaning);
ConfigKey BoolKey(std::string name, std::optional<bool>* field, std::string unset,
                  std::string meaning);
ConfigKey BytesKey(std::string name, std::optional<ByteSpec>* field, std::string meaning);

// The index of the value in `words`, ignoring case. `read` maps other spellings that are accepted
// but never printed to words: {"16-mixed", "16"}.
absl::StatusOr<size_t> ParseWord(const YAML::Node& value, const std::vector<std::string>& words,
                                 const std::vector<std::pair<std::string, std::string>>& read);

// A row for an enum whose values are 0, 1, ... in the order of `words`.
template <typename E>
ConfigKey EnumKey(std::string name, E* field, std::vector<std::string> words, std::string meaning,
                  std::vector<std::pair<std::string, std::string>> read = {}) {
  return CustomKey(
      std::move(name), WordList(words), std::move(meaning),
      [field, words, read](const YAML::Node& value) -> absl::Status {
        const absl::StatusOr<size_t> index = ParseWord(value, words, read);
        if (index.ok()) *field = static_cast<E>(*index);
        return index.status();
      },
      [field, words] { return words[static_cast<size_t>(*field)]; }, words);
}

}  // namespace slimreel

#endif  // BASE_CONFIG_KEY_H_
