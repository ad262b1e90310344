// One row of the key table: what a key is called, what it takes, what it means,
// and the field that it sets. Parser, printed help, resolved file and comparison
// all come from this one table, so none of them can go stale.
//
// A row holds a pointer into an option struct, which must outlive it. The value
// that the field has when the row is made is the key's default.
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

namespace slimreel {

struct ConfigKey {
  std::string name;          // data.batch_size
  std::string allowed;       // "a whole number, 1 or more": help and errors read on with it
  std::string meaning;       // one line
  std::string default_text;  // YAML
  // Sets the field, or leaves it as it was; the error's message reads on after the key.
  std::function<absl::Status(const YAML::Node&)> set;
  std::function<std::string()> get;  // the field as YAML
  // Values that are refused as not yet available: these, or all but the default.
  std::vector<std::string> later_values;
  bool later = false;
  bool changes_result = true;  // another value may change what is learnt
  bool part_of_map = false;    // a field of a key that prints itself whole

  ConfigKey& Later();  // every value but the default
  // As `get` prints them; others are only told of, and `set` refuses them.
  ConfigKey& LaterValues(std::vector<std::string> values);
  ConfigKey& KeepsResult();
  ConfigKey& PartOfMap();
};

// A row for a field that none of the functions below reads. An InvalidArgument of `set`
// is told in the words of `allowed`, so that errors name every form that help names;
// other errors keep their message. `words` are those among what is allowed, for "did
// you mean".
ConfigKey CustomKey(std::string name, std::string allowed, std::string meaning,
                    std::function<absl::Status(const YAML::Node&)> set,
                    std::function<std::string()> get, std::vector<std::string> words = {});

ConfigKey IntKey(std::string name, int64_t* field, Bounds bounds, std::string meaning);
ConfigKey FloatKey(std::string name, double* field, Bounds bounds, std::string meaning);
ConfigKey BoolKey(std::string name, bool* field, std::string meaning);
ConfigKey BytesKey(std::string name, ByteSpec* field, std::string meaning);
ConfigKey TextListKey(std::string name, std::vector<std::string>* field, std::string meaning);
// `unset` (and `none`) stands for the empty optional, or the empty text.
ConfigKey TextKey(std::string name, std::string* field, std::string unset, std::string meaning);
ConfigKey IntKey(std::string name, std::optional<int64_t>* field, Bounds bounds, std::string unset,
                 std::string meaning);
ConfigKey FloatKey(std::string name, std::optional<double>* field, Bounds bounds, std::string unset,
                   std::string meaning);
ConfigKey BoolKey(std::string name, std::optional<bool>* field, std::string unset,
                  std::string meaning);
ConfigKey BytesKey(std::string name, std::optional<ByteSpec>* field, std::string meaning);

// `read` may be other spellings that are taken (16-mixed) and never printed.
absl::StatusOr<size_t> ParseWord(const YAML::Node& value, const std::vector<std::string>& words,
                                 const std::vector<std::pair<std::string, std::string>>& read);
std::string WordList(const std::vector<std::string>& words);  // "a | b | c"

// An enum whose values are 0, 1, ... in the order of `words`.
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
