#include "base/config/loader.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/atomic_file.h"
#include "base/config/yaml_text.h"
#include "base/nearest_name.h"

namespace slimreel {
namespace {

constexpr char kCommandLine[] = "command line";

struct Setting {
  std::string name;
  YAML::Node value;
  std::string where;  // "a.yaml:3", "command line"
};

// One run of ApplyConfig.
class Applier {
 public:
  Applier(const std::vector<ConfigAlias>& aliases, std::vector<ConfigKey>* keys,
          std::vector<std::string>* notes)
      : aliases_(aliases), keys_(*keys), notes_(*notes) {
    for (const ConfigKey& key : keys_) names_.push_back(key.name);
    for (const ConfigAlias& alias : aliases_) names_.push_back(alias.name);
  }

  void ReadFile(const std::string& path);
  void ReadOverrides(const std::vector<ConfigOverride>& overrides);
  absl::Status Finish() const;

 private:
  void Walk(const YAML::Node& map, const std::string& prefix, const std::string& path);
  void Apply(std::vector<Setting>* settings, bool once);
  void ApplyOne(const Setting& setting, bool once);
  bool Resolve(const Setting& setting, std::string* key, YAML::Node* value);
  bool IsSection(const std::string& name) const;
  bool IsKey(const std::string& name) const;
  void Unknown(const std::string& where, const std::string& name, const char* what);

  const std::vector<ConfigAlias>& aliases_;
  std::vector<ConfigKey>& keys_;
  std::vector<std::string>& notes_;
  std::vector<std::string> names_;
  std::vector<Setting> settings_;
  std::map<std::string, std::string> set_at_;  // key -> where, within one source
  std::vector<std::string> mistakes_;
};

bool Applier::IsSection(const std::string& name) const {
  const std::string prefix = name + ".";
  return std::any_of(names_.begin(), names_.end(),
                     [&](const std::string& known) { return absl::StartsWith(known, prefix); });
}

bool Applier::IsKey(const std::string& name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

void Applier::Unknown(const std::string& where, const std::string& name, const char* what) {
  std::vector<std::string> known = names_;
  if (!IsKey(name) && std::string(what) == "section") {
    known.clear();
    for (const std::string& key : names_) {
      const size_t dot = key.rfind('.');
      if (dot != std::string::npos) known.push_back(key.substr(0, dot));
    }
  }
  mistakes_.push_back(absl::StrCat(where, ": unknown ", what, " ", name, DidYouMean(name, known)));
}

// Follows only sections that keys have, so it ends even if a node of the file contains itself.
void Applier::Walk(const YAML::Node& map, const std::string& prefix, const std::string& path) {
  for (const auto& pair : map) {
    const std::string where =
        path == kCommandLine ? path : absl::StrCat(path, ":", pair.first.Mark().line + 1);
    if (!pair.first.IsScalar()) {
      mistakes_.push_back(absl::StrCat(where, ": a key must be a plain name"));
      continue;
    }
    const std::string name =
        prefix.empty() ? pair.first.Scalar() : absl::StrCat(prefix, ".", pair.first.Scalar());
    if (pair.second.IsMap() && IsSection(name)) {
      Walk(pair.second, name, path);
    } else if (IsKey(name)) {
      settings_.push_back({name, pair.second, where});
    } else if (IsSection(name)) {
      if (pair.second.IsNull()) continue;  // a section without keys
      mistakes_.push_back(
          absl::StrCat(where, ": ", name, " is a section; write its keys below it, indented"));
    } else {
      Unknown(where, name, pair.second.IsMap() ? "section" : "key");
    }
  }
}

void Applier::ReadFile(const std::string& path) {
  const absl::StatusOr<std::string> text = slimreel::ReadFile(path);
  const absl::StatusOr<YAML::Node> root =
      text.ok() ? ParseYaml(*text, path) : absl::StatusOr<YAML::Node>(text.status());
  if (!root.ok()) {
    mistakes_.push_back(std::string(root.status().message()));
    return;
  }
  if (root->IsMap()) {
    Walk(*root, "", path);
  } else if (!root->IsNull()) {
    mistakes_.push_back(absl::StrCat(path,
                                     ":1: a configuration is a map of sections: write \"data:\" "
                                     "and below it, indented, \"batch_size: 8\""));
  }
  Apply(&settings_, /*once=*/true);
}

void Applier::ReadOverrides(const std::vector<ConfigOverride>& overrides) {
  for (const ConfigOverride& given : overrides) {
    const std::string where(kCommandLine);
    // A value that is not YAML is taken as text, such as "@home".
    const Setting setting{given.key,
                          ParseYaml(given.value, where).value_or(YAML::Node(given.value)), where};
    if (setting.value.IsMap() && IsSection(given.key)) {
      Walk(setting.value, given.key, where);
    } else if (IsKey(given.key)) {
      settings_.push_back(setting);
    } else {
      Unknown(where, given.key, "key");
    }
  }
  Apply(&settings_, /*once=*/false);
}

// Follows an alias. Returns false if the value makes the setting void.
bool Applier::Resolve(const Setting& setting, std::string* key, YAML::Node* value) {
  *key = setting.name;
  *value = setting.value;
  for (const ConfigAlias& alias : aliases_) {
    if (alias.name != setting.name) continue;
    *key = alias.key;
    for (const auto& [from, to] : alias.values) {
      if (!setting.value.IsScalar() || !absl::EqualsIgnoreCase(setting.value.Scalar(), from))
        continue;
      if (to.empty()) return false;
      *value = YAML::Node(to);
    }
    notes_.push_back(absl::StrCat(setting.where, ": ", alias.name, " is read as ", alias.key));
  }
  return true;
}

void Applier::ApplyOne(const Setting& setting, bool once) {
  std::string name;
  YAML::Node value;
  if (!Resolve(setting, &name, &value)) return;
  const auto [before, first] = set_at_.emplace(name, setting.where);
  if (once && !first) {
    mistakes_.push_back(
        absl::StrCat(setting.where, ": ", name, " is set twice, first at ", before->second));
    return;
  }
  const auto key = std::find_if(keys_.begin(), keys_.end(),
                                [&](const ConfigKey& row) { return row.name == name; });
  if (key == keys_.end()) return Unknown(setting.where, name, "key");
  if (absl::Status status = key->set(value); !status.ok()) {
    mistakes_.push_back(absl::StrCat(setting.where, ": ", name, " ", status.message()));
    return;
  }
  const std::string text = key->get();
  if (text == key->default_text) return;
  if (key->later || absl::c_linear_search(key->later_values, text)) {
    mistakes_.push_back(absl::StrCat(setting.where, ": ", name, " is ", text,
                                     ", which is not yet available; the default is ",
                                     key->default_text));
  }
}

void Applier::Apply(std::vector<Setting>* settings, bool once) {
  set_at_.clear();
  for (const Setting& setting : *settings) ApplyOne(setting, once);
  settings->clear();
}

absl::Status Applier::Finish() const {
  if (mistakes_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(mistakes_, "\n"));
}

}  // namespace

absl::Status ApplyConfig(const std::string& path, const std::vector<ConfigOverride>& overrides,
                         const std::vector<ConfigAlias>& aliases, std::vector<ConfigKey>* keys,
                         std::vector<std::string>* notes) {
  if (!path.empty()) {
    constexpr char kReady[] = "; configs/ has ready files, such as configs/config.yaml";
    std::error_code error;
    const std::filesystem::file_type type = std::filesystem::status(path, error).type();
    if (type == std::filesystem::file_type::not_found) {
      return absl::NotFoundError(absl::StrCat(path, ": no such configuration file", kReady));
    }
    if (type == std::filesystem::file_type::directory) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is a folder; name a configuration file", kReady));
    }
  }
  Applier applier(aliases, keys, notes);
  if (!path.empty()) applier.ReadFile(path);
  applier.ReadOverrides(overrides);
  return applier.Finish();
}

namespace {

// Says which values are refused for now.
std::string LaterNote(const ConfigKey& key) {
  if (key.later) return " (not yet available)";
  if (key.later_values.empty()) return "";
  return absl::StrCat(" (not yet available: ", absl::StrJoin(key.later_values, ", "), ")");
}

}  // namespace

// Lays sections and comments out itself: yaml-cpp's emitter writes a comment in a nested map behind
// the line before it. The values were written by the emitter (value.h).
std::string ConfigKeysToYaml(const std::vector<ConfigKey>& keys, bool with_comments) {
  std::string text;
  std::vector<std::string> open;  // the sections that the last line is in
  for (const ConfigKey& key : keys) {
    if (key.part_of_map) continue;
    std::vector<std::string> parts = absl::StrSplit(key.name, '.');
    const std::string leaf = parts.back();
    parts.pop_back();
    size_t shared = 0;
    while (shared < std::min(open.size(), parts.size()) && open[shared] == parts[shared]) ++shared;
    for (size_t i = shared; i < parts.size(); ++i) {
      if (i == 0 && !text.empty()) absl::StrAppend(&text, "\n");
      absl::StrAppend(&text, std::string(2 * i, ' '), parts[i], ":\n");
    }
    open = parts;
    const std::string indent(2 * parts.size(), ' ');
    if (with_comments) {
      absl::StrAppend(&text, indent, "# ", key.meaning, " (", key.allowed, ")", LaterNote(key),
                      "\n");
    }
    absl::StrAppend(&text, indent, leaf, ": ", key.get(), "\n");
  }
  return text;
}

}  // namespace slimreel
