#include "configs/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "configs/schema.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;

// The names of other programs that must be accepted.
constexpr const char* kListedAliases[] = {"data.num_workers",
                                          "data.pin_memory",
                                          "data.persistent_workers",
                                          "data.prefetch_factor",
                                          "gpu.memory_management.gpu_threshold",
                                          "gpu.memory_management.cpu_threshold",
                                          "gpu.memory_management.auto_cleanup_interval",
                                          "gpu.memory_management.enable_monitoring",
                                          "gpu.memory_management.force_cleanup_every",
                                          "gpu_memory_threshold",
                                          "cpu_memory_threshold",
                                          "per_device_train_batch_size",
                                          "per_device_eval_batch_size",
                                          "train_dataloader.batch_size",
                                          "gradient_accumulation_steps",
                                          "learning_rate",
                                          "warmup_steps",
                                          "max_steps",
                                          "num_train_epochs",
                                          "fp16",
                                          "bf16",
                                          "mixed_precision",
                                          "gradient_checkpointing",
                                          "backbone",
                                          "max_frames",
                                          "batch_size",
                                          "num_workers",
                                          "pin_memory",
                                          "prefetch_factor",
                                          "persistent_workers",
                                          "enable_cache",
                                          "max_epochs",
                                          "optim_wrapper.optimizer.lr",
                                          "output_dir",
                                          "eval_strategy",
                                          "eval_steps",
                                          "save_steps",
                                          "save_total_limit",
                                          "generation_max_length",
                                          "dataloader_num_workers",
                                          "dataloader_pin_memory",
                                          "accumulative_counts",
                                          "optim_wrapper.accumulative_counts",
                                          "resume",
                                          "load_from"};

// The pairs (key, default) of testdata/listed_keys.txt.
std::vector<std::pair<std::string, std::string>> ListedKeys() {
  std::vector<std::pair<std::string, std::string>> keys;
  std::ifstream file("configs/testdata/listed_keys.txt");
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find(" = ");
    if (line[0] != '#') keys.emplace_back(line.substr(0, equals), line.substr(equals + 3));
  }
  EXPECT_GT(keys.size(), 80u);
  return keys;
}

std::map<std::string, ConfigKey> Table(Config* config) {
  std::map<std::string, ConfigKey> table;
  for (const ConfigKey& key : AllKeys(config)) table.emplace(key.name, key);
  return table;
}

TEST(KeysTest, EveryListedKeyIsInTheTableWithTheListedDefault) {
  Config config;
  const auto table = Table(&config);
  for (const auto& [key, value] : ListedKeys()) {
    ASSERT_TRUE(table.contains(key)) << key;
    EXPECT_EQ(table.at(key).default_text, value) << key;
  }
}

TEST(KeysTest, EveryKeyTakesItsDefaultAndHelpShowsIt) {
  const std::string help = ConfigHelp();
  Config defaults;
  for (const ConfigKey& row : AllKeys(&defaults)) {
    const std::string& key = row.name;
    const std::string& value = row.default_text;
    const auto config = LoadConfig("", {{key, value}});
    ASSERT_TRUE(config.ok()) << key << ": " << config.status();
    EXPECT_EQ(*config, Config()) << key;
    EXPECT_THAT(help, HasSubstr("\n" + key + "\n")) << key;
    EXPECT_THAT(help.substr(help.find("\n" + key + "\n")), HasSubstr("default " + value + ";"));
  }
}

TEST(KeysTest, ErrorsOfEveryKeyNameWhatHelpNames) {
  const std::string help = ConfigHelp();
  Config defaults;
  for (const ConfigKey& row : AllKeys(&defaults)) {
    const std::string error(LoadConfig("", {{row.name, "[zzz, [zzz]]"}}).status().message());
    EXPECT_THAT(error, HasSubstr(row.name + " is a list; allowed is " + row.allowed));
    EXPECT_THAT(help.substr(help.find("\n" + row.name + "\n")),
                HasSubstr("default " + row.default_text + "; " + row.allowed));
  }
}

// Values of all kinds, some of which each key accepts: the words that it names, and numbers.
std::vector<std::string> ValuesToTry(const ConfigKey& row) {
  std::vector<std::string> values = {"true", "false", "1",   "0",  "2",   "0.5",
                                     "20",   "20000", "50%", "64", "[a]", "[0.5, 0.5]"};
  for (const absl::string_view word : absl::StrSplit(row.allowed, absl::ByAnyChar(" ,|()"))) {
    values.emplace_back(word);
    values.push_back(absl::StrCat("[", word, "]"));
  }
  return values;
}

// The comment above each key in configs/config.yaml, by the full name of the key.
std::map<std::string, std::string> CommentsOfReadyFile() {
  std::map<std::string, std::string> comments;
  std::ifstream file("configs/config.yaml");
  std::vector<std::string> sections;
  std::string comment;
  for (std::string line; std::getline(file, line);) {
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos) continue;
    const std::string text = line.substr(indent);
    if (text[0] == '#') {
      comment = text;
      continue;
    }
    sections.resize(indent / 2);
    sections.push_back(text.substr(0, text.find(':')));
    comments[absl::StrJoin(sections, ".")] = comment;
  }
  return comments;
}

TEST(KeysTest, TheReadyFileMarksExactlyTheKeysThatRefuseAValueAsNotYetAvailable) {
  const auto comments = CommentsOfReadyFile();
  Config defaults;
  int marked = 0;
  for (const ConfigKey& row : AllKeys(&defaults)) {
    if (row.part_of_map) continue;  // a line of its map
    ASSERT_TRUE(comments.contains(row.name)) << row.name;
    bool refuses = false;
    for (const std::string& value : ValuesToTry(row)) {
      const std::string error(LoadConfig("", {{row.name, value}}).status().message());
      refuses = refuses || absl::StrContains(error, "not yet available");
    }
    EXPECT_EQ(absl::StrContains(comments.at(row.name), "(not yet available"), refuses) << row.name;
    marked += refuses;
  }
  EXPECT_GE(marked, 10);
}

TEST(KeysTest, ErrorsNameAllFormsThatAKeyAccepts) {
  const std::pair<const char*, const char*> kForms[] = {
      {"data.short_side=natve", "8 to 8192, or native, or none"},
      {"data.short_side=natve", "; did you mean native?"},
      {"data.img_size=zzz", "8 to 4096, or [height, width]"},
      {"data.img_size=[64, 7]", "is [64, 7]; allowed is a whole number, 8 to 4096, or [height"},
      {"data.shard_size=1KiB", "bytes (128MiB), 64KiB or more"},
      {"data.fps=natve", "0.01 to 1000, or native; did you mean native?"},
      {"data.load_rgb=maybe", "true | false, or none"},
      {"data.augment=ligth", "or a map; did you mean light?"},
      {"dataloader.num_workers=atuo", "0 to 256, or auto; did you mean auto?"},
      {"model.norm_group=zzz", "micro_batch | global | frozen, or a whole number, 1 or more"},
      {"model.use_gradient_checkpointing=zzz", "true | false, or auto"},
      {"train.class_weights=zzz", "a list of numbers, 0 or more, one per class, or none"},
      {"train.class_weights=[1, -1]", "is [1, -1]; allowed is a list of numbers"},
      {"train.clip_grad_norm=non", "a number, more than 0, or none; did you mean none?"},
      {"trainer.limit_train_batches=zzz", "1 or more, or a share, more than 0 and at most 1.0"},
      {"trainer.precision=8", "32 | 16 | bf16 | 64"},
      {"evaluation.metric=top2", "loss, or none; did you mean top1?"},
      {"memory.budget=zzz", "bytes (4GiB, 4000MB, 123456) or a share (80%), or none"},
      {"memory.allow=[lean, spilt]", "smaller_images, or none; did you mean split?"},
      {"memory.schedule=every:0", "every:N | one word per stage"}};
  for (const auto& [setting, form] : kForms) {
    const std::string text(setting);
    const size_t equals = text.find('=');
    const auto config = LoadConfig("", {{text.substr(0, equals), text.substr(equals + 1)}});
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(form)) << setting;
  }
}

TEST(KeysTest, ARefusedValueChangesNothing) {
  Config config;
  for (const ConfigKey& row : AllKeys(&config)) {
    for (const char* value : {"zzz,", "[0.5, zzz]", "[64, 7]"}) {
      const std::string before = row.get();
      if (row.set(YAML::Load(value)).ok()) continue;
      EXPECT_EQ(row.get(), before) << row.name << "=" << value;
    }
  }
}

TEST(KeysTest, NamesOfKeysAndAliasesAreUnique) {
  Config config;
  std::set<std::string> names;
  for (const ConfigKey& key : AllKeys(&config)) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_FALSE(key.meaning.empty()) << key.name;
    EXPECT_FALSE(key.allowed.empty()) << key.name;
  }
  for (const ConfigAlias& alias : ConfigAliases()) {
    EXPECT_TRUE(names.insert(alias.name).second) << alias.name;
  }
}

TEST(KeysTest, EveryMisspeltKeyIsRefusedWithTheRightName) {
  Config defaults;
  for (const ConfigKey& row : AllKeys(&defaults)) {
    const std::string& key = row.name;
    const std::string& value = row.default_text;
    std::string misspelt = key;
    std::swap(misspelt[key.size() - 1], misspelt[key.size() - 2]);
    if (misspelt == key) misspelt += "x";
    const std::string error(LoadConfig("", {{misspelt, value}}).status().message());
    EXPECT_THAT(error, HasSubstr("unknown key " + misspelt));
    EXPECT_THAT(error, HasSubstr("did you mean " + key + "?"));
  }
}

TEST(AliasesTest, EveryAliasIsForAKeyOfTheTableOrAFlag) {
  Config config;
  const auto table = Table(&config);
  for (const ConfigAlias& alias : ConfigAliases()) {
    EXPECT_TRUE(table.contains(alias.key) || alias.key == "--run" || alias.key == "--resume")
        << alias.name << " -> " << alias.key;
  }
}

TEST(AliasesTest, EveryTranslatedValueIsAcceptedByTheKey) {
  for (const ConfigAlias& alias : ConfigAliases()) {
    for (const auto& [from, to] : alias.values) {
      const auto config = LoadConfig("", {{alias.name, from}});
      EXPECT_TRUE(config.ok()) << alias.name << "=" << from << ": " << config.status();
    }
  }
}

// An alias with the key's default as its value changes nothing and is noted.
TEST(AliasesTest, EveryAliasWorksLikeItsKeyAndIsNoted) {
  Config defaults;
  const auto table = Table(&defaults);
  for (const ConfigAlias& alias : ConfigAliases()) {
    if (!table.contains(alias.key)) continue;
    const std::string value =
        alias.key == "trainer.precision" ? "false" : table.at(alias.key).default_text;
    std::vector<std::string> notes;
    const auto config = LoadConfig("", {{alias.name, value}}, &notes);
    ASSERT_TRUE(config.ok()) << alias.name << ": " << config.status();
    EXPECT_EQ(*config, Config()) << alias.name;
    if (alias.key == "trainer.precision") continue;  // false is ignored
    ASSERT_EQ(notes.size(), 1u) << alias.name;
    EXPECT_THAT(notes[0], HasSubstr(alias.name + " is read as " + alias.key));
  }
}

TEST(AliasesTest, AllListedAliasesExist) {
  std::set<std::string> names;
  for (const ConfigAlias& alias : ConfigAliases()) names.insert(alias.name);
  for (const char* listed : kListedAliases) {
    EXPECT_TRUE(names.contains(listed)) << listed;
  }
}

}  // namespace
}  // namespace slimreel
