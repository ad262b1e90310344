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

#include "configs/schema.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;

// The names that people bring from elsewhere, as the list of keys promises them.
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

// (key, default) of testdata/listed_keys.txt.
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

TEST(KeysTest, AShardSizeIsRefusedInTheWordsOfTheTable) {
  Config config;
  const std::string error(LoadConfig("", {{"data.shard_size", "1KiB"}}).status().message());
  EXPECT_THAT(error, HasSubstr("allowed is " + Table(&config).at("data.shard_size").allowed));
}

TEST(KeysTest, NoNameIsTwiceInTheTableOrAmongTheAliases) {
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

TEST(KeysTest, EveryKeyMisspeltIsRefusedWithItsRightName) {
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

TEST(AliasesTest, EveryOneStandsForAKeyOfTheTableOrAFlag) {
  Config config;
  const auto table = Table(&config);
  for (const ConfigAlias& alias : ConfigAliases()) {
    EXPECT_TRUE(table.contains(alias.key) || alias.key == "--run" || alias.key == "--resume")
        << alias.name << " -> " << alias.key;
  }
}

// Every value that an alias translates is one that its key takes.
TEST(AliasesTest, EveryTranslatedValueIsTakenByTheKey) {
  for (const ConfigAlias& alias : ConfigAliases()) {
    for (const auto& [from, to] : alias.values) {
      const auto config = LoadConfig("", {{alias.name, from}});
      EXPECT_TRUE(config.ok()) << alias.name << "=" << from << ": " << config.status();
    }
  }
}

// An alias given the key's default reads as the key does: nothing changes, and it is noted.
TEST(AliasesTest, EveryOneReadsAsItsKeyAndIsNoted) {
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
    if (alias.key == "trainer.precision") continue;  // false says nothing
    ASSERT_EQ(notes.size(), 1u) << alias.name;
    EXPECT_THAT(notes[0], HasSubstr(alias.name + " is read as " + alias.key));
  }
}

TEST(AliasesTest, TheOnesThatAreListedAreThere) {
  std::set<std::string> names;
  for (const ConfigAlias& alias : ConfigAliases()) names.insert(alias.name);
  for (const char* listed : kListedAliases) {
    EXPECT_TRUE(names.contains(listed)) << listed;
  }
}

}  // namespace
}  // namespace slimreel
