#include "configs/config_markdown.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/config/key.h"
#include "base/config/loader.h"
#include "configs/keys.h"
#include "configs/schema.h"

namespace slimreel {
namespace {

constexpr size_t kColumns = 120;

constexpr char kHead[] =
    R"(# Keys of the configuration

This page is made from the key table in `configs/`. Do not edit it; run
`bazel run //configs:config_page > docs/config.md` after a change of the table.

Set a key in a YAML file (`--config=FILE`) or on the command line (`KEY=VALUE` or `--KEY=VALUE`).
`train` and `prepare` take keys and print them with `--help_config`. `configs/config.yaml` has all
keys with their defaults.

A run that goes on refuses another value of a key that changes what is learnt, unless
`--allow_config_change` is given. Keys marked "free on resume" may change.
)";

std::string Quoted(absl::string_view text) { return absl::StrCat("`", text, "`"); }

// "batch_size" or "max_steps (-1 is read as none)".
std::string OtherName(const ConfigAlias& alias) {
  std::vector<std::string> values;
  for (const auto& [from, to] : alias.values) {
    values.push_back(to.empty() ? absl::StrCat(Quoted(from), " is ignored")
                                : absl::StrCat(Quoted(from), " is read as ", Quoted(to)));
  }
  return absl::StrCat(Quoted(alias.name),
                      values.empty() ? "" : absl::StrCat(" (", absl::StrJoin(values, ", "), ")"));
}

std::string OtherNames(absl::string_view key) {
  std::vector<std::string> names;
  for (const ConfigAlias& alias : ConfigAliases()) {
    if (alias.key == key) names.push_back(OtherName(alias));
  }
  return absl::StrJoin(names, ", ");
}

// The text as an item of a list, wrapped at kColumns.
std::string Item(const std::string& text) {
  std::string item = "-";
  size_t column = item.size();
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column + 1 + word.size() > kColumns) {
      absl::StrAppend(&item, "\n ");
      column = 1;
    }
    absl::StrAppend(&item, " ", std::string(word));
    column += 1 + word.size();
  }
  return absl::StrCat(item, "\n");
}

std::string KeyItem(const ConfigKey& key) {
  std::string text = absl::StrCat(Quoted(key.name), ", default ", Quoted(key.default_text), ": ",
                                  key.meaning, ". Allowed: ", key.allowed, ".");
  if (key.later) absl::StrAppend(&text, " Only the default is available yet.");
  if (!key.later_values.empty()) {
    absl::StrAppend(&text, " Not yet available: ", absl::StrJoin(key.later_values, ", "), ".");
  }
  if (!key.changes_result) absl::StrAppend(&text, " Free on resume.");
  const std::string others = OtherNames(key.name);
  if (!others.empty()) absl::StrAppend(&text, " Other names: ", others, ".");
  return Item(text);
}

// "data" of "data.heatmap.sigma"; empty for "seed".
std::string SectionOf(const std::string& key) {
  return key.substr(0, key.find('.') == std::string::npos ? 0 : key.find('.'));
}

}  // namespace

std::string ConfigMarkdown() {
  Config config;
  std::string page = kHead;
  std::string section = "-";
  for (const ConfigKey& key : AllKeys(&config)) {
    if (SectionOf(key.name) != section) {
      section = SectionOf(key.name);
      absl::StrAppend(&page, "\n## ", section.empty() ? "Without a section" : Quoted(section),
                      "\n\n");
    }
    absl::StrAppend(&page, KeyItem(key));
  }
  absl::StrAppend(&page, "\n## Flags\n\nFlags that a configuration may set, too.\n\n");
  for (const char* flag : {"--run", "--resume"}) {
    absl::StrAppend(&page, Item(absl::StrCat(Quoted(flag), ": ", OtherNames(flag), ".")));
  }
  return page;
}

}  // namespace slimreel
