#include "base/config/key.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr char kByteSpecs[] = "bytes (4GiB, 4000MB, 123456) or a share (80%)";

// Whether the value is the word that stands for no value (`unset`, such as `auto`), or none.
bool IsUnset(const YAML::Node& value, const std::string& unset) {
  return IsNone(value) || (value.IsScalar() && absl::EqualsIgnoreCase(value.Scalar(), unset));
}

// A row for an optional: reads the word `unset`, or what `parse` reads.
template <typename T>
ConfigKey OptionalKey(std::string name, std::string allowed, std::string meaning,
                      std::optional<T>* field, std::string unset,
                      std::function<absl::StatusOr<T>(const YAML::Node&)> parse,
                      std::function<std::string(const T&)> print) {
  return CustomKey(
      std::move(name), absl::StrCat(allowed, ", or ", unset), std::move(meaning),
      [field, unset, parse](const YAML::Node& value) -> absl::Status {
        if (IsUnset(value, unset)) {
          field->reset();
          return absl::OkStatus();
        }
        SLIMREEL_ASSIGN_OR_RETURN(*field, parse(value));
        return absl::OkStatus();
      },
      [field, unset, print] { return field->has_value() ? print(**field) : unset; },
      {unset, "none"});
}

absl::StatusOr<ByteSpec> ParseByteSpecValue(const YAML::Node& value) {
  if (!value.IsScalar()) return NotAllowed(value, kByteSpecs);
  return ParseByteSpec(value.Scalar());
}

// "; did you mean native?" for the first given word, single or in a list, that is near one of
// `words`.
std::string NearWord(const YAML::Node& value, const std::vector<std::string>& words) {
  std::vector<std::string> given;
  if (value.IsScalar()) given.push_back(value.Scalar());
  if (value.IsSequence()) {
    for (const YAML::Node& item : value) {
      if (item.IsScalar()) given.push_back(item.Scalar());
    }
  }
  for (const std::string& word : given) {
    if (absl::c_linear_search(words, word)) continue;
    if (std::string near = DidYouMean(word, words); !near.empty()) return near;
  }
  return "";
}

}  // namespace

ConfigKey& ConfigKey::Later() {
  later = true;
  return *this;
}
ConfigKey& ConfigKey::LaterValues(std::vector<std::string> values) {
  later_values = std::move(values);
  return *this;
}
ConfigKey& ConfigKey::KeepsResult() {
  changes_result = false;
  return *this;
}
ConfigKey& ConfigKey::PartOfMap() {
  part_of_map = true;
  return *this;
}

ConfigKey CustomKey(std::string name, std::string allowed, std::string meaning,
                    std::function<absl::Status(const YAML::Node&)> set,
                    std::function<std::string()> get, std::vector<std::string> words) {
  ConfigKey key;
  key.name = std::move(name);
  key.allowed = std::move(allowed);
  key.meaning = std::move(meaning);
  key.default_text = get();
  key.set = [allowed = key.allowed, words = std::move(words),
             set = std::move(set)](const YAML::Node& value) -> absl::Status {
    absl::Status status = set(value);
    if (!absl::IsInvalidArgument(status)) return status;
    return NotAllowed(value, absl::StrCat(allowed, NearWord(value, words)));
  };
  key.get = std::move(get);
  return key;
}

ConfigKey IntKey(std::string name, int64_t* field, Bounds bounds, std::string meaning) {
  return CustomKey(
      std::move(name), absl::StrCat("a whole number, ", bounds.ToText()), std::move(meaning),
      [field, bounds](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(*field, ParseInt(value, bounds));
        return absl::OkStatus();
      },
      [field] { return absl::StrCat(*field); });
}

ConfigKey FloatKey(std::string name, double* field, Bounds bounds, std::string meaning) {
  return CustomKey(
      std::move(name), absl::StrCat("a number, ", bounds.ToText()), std::move(meaning),
      [field, bounds](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(*field, ParseFloat(value, bounds));
        return absl::OkStatus();
      },
      [field] { return YamlFloat(*field); });
}

ConfigKey BoolKey(std::string name, bool* field, std::string meaning) {
  return CustomKey(
      std::move(name), "true | false", std::move(meaning),
      [field](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(*field, ParseBool(value));
        return absl::OkStatus();
      },
      [field] { return std::string(*field ? "true" : "false"); }, {"true", "false"});
}

ConfigKey BytesKey(std::string name, ByteSpec* field, std::string meaning) {
  return CustomKey(
      std::move(name), kByteSpecs, std::move(meaning),
      [field](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(*field, ParseByteSpecValue(value));
        return absl::OkStatus();
      },
      [field] { return FormatByteSpec(*field); });
}

ConfigKey TextListKey(std::string name, std::vector<std::string>* field, std::string meaning) {
  return CustomKey(
      std::move(name), "a list without empty items, or none", std::move(meaning),
      [field](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(*field, ParseTextList(value));
        return absl::OkStatus();
      },
      [field] { return field->empty() ? "none" : YamlList(*field); }, {"none"});
}

ConfigKey TextKey(std::string name, std::string* field, std::string unset, std::string meaning) {
  return CustomKey(
      std::move(name), absl::StrCat("one text, or ", unset), std::move(meaning),
      [field, unset](const YAML::Node& value) -> absl::Status {
        if (IsUnset(value, unset)) {
          field->clear();
          return absl::OkStatus();
        }
        SLIMREEL_ASSIGN_OR_RETURN(*field, ParseText(value));
        return absl::OkStatus();
      },
      [field, unset] { return field->empty() ? unset : YamlText(*field); }, {unset, "none"});
}

ConfigKey IntKey(std::string name, std::optional<int64_t>* field, Bounds bounds, std::string unset,
                 std::string meaning) {
  return OptionalKey<int64_t>(
      std::move(name), absl::StrCat("a whole number, ", bounds.ToText()), std::move(meaning), field,
      std::move(unset), [bounds](const YAML::Node& value) { return ParseInt(value, bounds); },
      [](const int64_t& value) { return absl::StrCat(value); });
}

ConfigKey FloatKey(std::string name, std::optional<double>* field, Bounds bounds, std::string unset,
                   std::string meaning) {
  return OptionalKey<double>(
      std::move(name), absl::StrCat("a number, ", bounds.ToText()), std::move(meaning), field,
      std::move(unset), [bounds](const YAML::Node& value) { return ParseFloat(value, bounds); },
      [](const double& value) { return YamlFloat(value); });
}

ConfigKey BoolKey(std::string name, std::optional<bool>* field, std::string unset,
                  std::string meaning) {
  return OptionalKey<bool>(std::move(name), "true | false", std::move(meaning), field,
                           std::move(unset), ParseBool,
                           [](const bool& value) { return std::string(value ? "true" : "false"); });
}

ConfigKey BytesKey(std::string name, std::optional<ByteSpec>* field, std::string meaning) {
  return OptionalKey<ByteSpec>(std::move(name), kByteSpecs, std::move(meaning), field, "none",
                               ParseByteSpecValue, FormatByteSpec);
}

absl::StatusOr<size_t> ParseWord(const YAML::Node& value, const std::vector<std::string>& words,
                                 const std::vector<std::pair<std::string, std::string>>& read) {
  std::string word = value.IsScalar() ? value.Scalar() : "";
  for (const auto& [other, meant] : read) {
    if (absl::EqualsIgnoreCase(word, other)) word = meant;
  }
  if (const std::optional<size_t> index = FindWord(word, words)) return *index;
  return NotAllowed(value, WordList(words));
}

}  // namespace slimreel
