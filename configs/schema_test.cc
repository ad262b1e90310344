#include "configs/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;

// Keys and defaults as the project's list of keys has them, copied by hand.
const std::vector<std::pair<std::string, std::string>>& ListedKeys() {
  static const auto* const kKeys = new std::vector<std::pair<std::string, std::string>>{
      {"task", "classify"},
      {"seed", "0"},
      {"data.train", "none"},
      {"data.val", "none"},
      {"data.test", "none"},
      {"data.batch_size", "8"},
      {"data.eval_batch_size", "none"},
      {"data.load_rgb", "none"},
      {"data.load_kpt", "none"},
      {"data.load_audio", "none"},
      {"data.img_size", "112"},
      {"data.allow_upscale", "false"},
      {"data.short_side", "none"},
      {"data.num_frames", "16"},
      {"data.frame_interval", "2"},
      {"data.fps", "native"},
      {"data.max_video_frames", "500"},
      {"data.chunk_overlap", "0"},
      {"data.frame_codec", "raw"},
      {"data.jpeg_quality", "90"},
      {"data.quality_threshold", "0"},
      {"data.augment", "none"},
      {"data.augment.random_crop", "false"},
      {"data.augment.flip", "false"},
      {"data.augment.color_jitter", "false"},
      {"data.augment.spec_augment", "false"},
      {"data.preprocess_device", "auto"},
      {"data.enable_cache", "true"},
      {"data.cache_budget", "10%"},
      {"data.shard_size", "128MiB"},
      {"data.sampling", "shuffle"},
      {"data.heatmap.sigma", "0.6"},
      {"data.heatmap.size", "none"},
      {"data.heatmap.with_limb", "false"},
      {"data.audio.sample_rate", "16000"},
      {"data.audio.window_seconds", "30"},
      {"data.audio.num_mels", "80"},
      {"dataloader.num_workers", "auto"},
      {"dataloader.prefetch_factor", "auto"},
      {"dataloader.pin_memory", "auto"},
      {"dataloader.persistent_workers", "auto"},
      {"model.name", "none"},
      {"model.num_classes", "none"},
      {"model.weights", "none"},
      {"model.use_gradient_checkpointing", "auto"},
      {"model.dropout", "none"},
      {"model.drop_path", "none"},
      {"model.temporal_pooling", "mean"},
      {"model.norm_group", "micro_batch"},
      {"model.fusion", "lateral"},
      {"model.freeze", "none"},
      {"train.accumulate_grad_batches", "1"},
      {"train.effective_batch_size", "none"},
      {"train.max_epochs", "10"},
      {"train.max_steps", "none"},
      {"train.lr", "0.001"},
      {"train.lr_reference_batch", "none"},
      {"train.optimizer", "adamw"},
      {"train.weight_decay", "0.01"},
      {"train.momentum", "0.9"},
      {"train.betas", "[0.9, 0.999]"},
      {"train.eps", "1e-08"},
      {"train.no_decay_norm_and_bias", "false"},
      {"train.layer_decay", "1"},
      {"train.schedule", "constant"},
      {"train.warmup_steps", "0"},
      {"train.clip_grad_norm", "none"},
      {"train.label_smoothing", "0"},
      {"train.class_weights", "none"},
      {"trainer.precision", "32"},
      {"trainer.device", "auto"},
      {"trainer.limit_train_batches", "1.0"},
      {"trainer.limit_val_batches", "1.0"},
      {"trainer.log_every_steps", "10"},
      {"trainer.progress", "auto"},
      {"trainer.deterministic", "false"},
      {"trainer.strategy", "ddp"},
      {"evaluation.strategy", "epoch"},
      {"evaluation.every_steps", "none"},
      {"evaluation.num_clips", "1"},
      {"evaluation.generation_max_length", "225"},
      {"evaluation.num_beams", "1"},
      {"evaluation.metric", "none"},
      {"checkpoint.every_steps", "none"},
      {"checkpoint.every_minutes", "10"},
      {"checkpoint.keep", "3"},
      {"memory.budget", "none"},
      {"memory.host_budget", "none"},
      {"memory.allow", "[checkpointing, lean, split, offload]"},
      {"memory.schedule", "auto"},
      {"memory.on_oom", "retry"},
      {"memory.gpu_threshold", "0.85"},
      {"memory.cpu_threshold", "0.8"},
      {"memory.auto_cleanup_interval", "30"},
      {"memory.force_cleanup_every", "0"},
      {"memory.enable_monitoring", "true"}};
  return *kKeys;
}

std::string WriteConfig(const std::string& text) {
  const std::string path = testing::TempDir() + "/config.yaml";
  std::ofstream(path) << text;
  return path;
}

std::string ErrorOf(const std::string& yaml, const std::vector<ConfigOverride>& overrides = {}) {
  return std::string(LoadConfig(WriteConfig(yaml), overrides).status().message());
}

TEST(SchemaTest, EveryListedKeyTakesItsDefaultAndHelpShowsIt) {
  const std::string help = ConfigHelp();
  for (const auto& [key, value] : ListedKeys()) {
    const auto config = LoadConfig("", {{key, value}});
    ASSERT_TRUE(config.ok()) << key << ": " << config.status();
    EXPECT_EQ(*config, Config()) << key;
    EXPECT_THAT(help, HasSubstr("\n" + key + "\n")) << key;
    EXPECT_THAT(help.substr(help.find("\n" + key + "\n")), HasSubstr("default " + value + ";"));
  }
}

TEST(SchemaTest, EveryKeyMisspeltIsRefusedWithItsRightName) {
  for (const auto& [key, value] : ListedKeys()) {
    std::string misspelt = key;
    std::swap(misspelt[key.size() - 1], misspelt[key.size() - 2]);
    if (misspelt == key) misspelt += "x";
    const std::string error = ErrorOf("", {{misspelt, value}});
    EXPECT_THAT(error, HasSubstr("unknown key " + misspelt));
    EXPECT_THAT(error, HasSubstr("did you mean " + key + "?"));
  }
}

TEST(SchemaTest, AllMistakesAreReportedAtOnceWithFileAndLine) {
  const std::string error = ErrorOf(
      "data:\n  batch_size: many\n  img_sise: 64\ntrainr:\n  precision: 32\n"
      "train:\n  lr: -1\n  lr: 2\nmodel: 5\ntrainer:\n  strategy: zero1\n");
  EXPECT_THAT(error, HasSubstr("config.yaml:2: data.batch_size is \"many\"; allowed is a whole"));
  EXPECT_THAT(error,
              HasSubstr("config.yaml:3: unknown key data.img_sise; did you mean data.img_size"));
  EXPECT_THAT(error, HasSubstr("config.yaml:4: unknown section trainr; did you mean train"));
  EXPECT_THAT(error,
              HasSubstr("config.yaml:7: train.lr is \"-1\"; allowed is a number, 0 or more"));
  EXPECT_THAT(error, HasSubstr("config.yaml:8: train.lr is set twice, first at"));
  EXPECT_THAT(error, HasSubstr("config.yaml:9: model is a section"));
  EXPECT_THAT(error,
              HasSubstr("config.yaml:11: trainer.strategy is zero1, which is not yet available"));
}

TEST(SchemaTest, BrokenFilesAreClearErrors) {
  EXPECT_THAT(ErrorOf("data: [1,\n  2"), HasSubstr("config.yaml:"));
  EXPECT_THAT(ErrorOf("- a\n- b\n"), HasSubstr("is a map of sections"));
  EXPECT_THAT(ErrorOf("a: &a\n  b: *a\n"), HasSubstr("unknown section a"));
  EXPECT_TRUE(absl::IsNotFound(LoadConfig("/no/such.yaml", {}).status()));
  EXPECT_TRUE(LoadConfig(WriteConfig(""), {}).ok());
}

TEST(SchemaTest, WhatComesLaterIsRefusedAndNeverIgnored) {
  const std::vector<ConfigOverride> later = {{"task", "transcribe"},
                                             {"data.fps", "25"},
                                             {"data.frame_codec", "jpeg"},
                                             {"data.augment", "standard"},
                                             {"data.augment.color_jitter", "true"},
                                             {"memory.allow", "[precision]"},
                                             {"data.load_audio", "true"},
                                             {"data.heatmap.with_limb", "true"},
                                             {"data.enable_cache", "false"},
                                             {"data.preprocess_device", "cpu"},
                                             {"dataloader.persistent_workers", "false"},
                                             {"trainer.strategy", "zero1"}};
  for (const ConfigOverride& setting : later) {
    EXPECT_THAT(ErrorOf("", {setting}), HasSubstr("not yet available")) << setting.key;
  }
}

TEST(SchemaTest, OverridesWinOverTheFileAndNoneUnsets) {
  const std::string path = WriteConfig("train:\n  clip_grad_norm: 1\n  lr: 0.5\n");
  const auto config = LoadConfig(path, {{"train.clip_grad_norm", "none"}, {"train.lr", "0.25"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->train.clip_grad_norm.has_value());
  EXPECT_EQ(config->train.lr, 0.25);
}

TEST(SchemaTest, AliasesResolveAndAreNoted) {
  std::vector<std::string> notes;
  const auto config = LoadConfig(
      WriteConfig("gpu:\n  memory_management:\n    enable_monitoring: false\n"
                  "output_dir: runs/x\nfp16: false\n"),
      {{"learning_rate", "0.1"}, {"gradient_checkpointing", "true"}, {"resume", "true"}}, &notes);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->memory.enable_monitoring);
  EXPECT_EQ(config->run, "runs/x");
  EXPECT_EQ(config->resume, "auto");
  EXPECT_EQ(config->train.lr, 0.1);
  EXPECT_EQ(config->model.use_gradient_checkpointing, true);
  EXPECT_EQ(notes.size(), 5u);
}

TEST(SchemaTest, TheEffectiveBatchWinsOverAccumulation) {
  const auto config = LoadConfig(
      "", {{"train.effective_batch_size", "32"}, {"train.accumulate_grad_batches", "2"}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->train.accumulate_grad_batches, 4);
  EXPECT_THAT(ErrorOf("", {{"train.effective_batch_size", "12"}}),
              HasSubstr("allowed is a multiple of data.batch_size, which is 8"));
}

TEST(SchemaTest, TheResolvedFileReadsBackToTheSame) {
  const auto config = LoadConfig("", {{"data.augment", "{flip: true}"},
                                      {"data.img_size", "[64, 96]"},
                                      {"memory.budget", "80%"},
                                      {"data.train", "[a b, \"c#d\"]"},
                                      {"trainer.limit_train_batches", "0.1"},
                                      {"model.norm_group", "4"},
                                      {"train.class_weights", "[1, 0.1]"},
                                      {"train.lr", "3e-4"},
                                      {"trainer.limit_val_batches", "7"},
                                      {"memory.schedule", "keep,checkpoint"},
                                      {"data.short_side", "native"},
                                      {"checkpoint.every_minutes", "none"}});
  ASSERT_TRUE(config.ok()) << config.status();
  for (const bool comments : {false, true}) {
    const auto again = LoadConfig(WriteConfig(ConfigToYaml(*config, comments)), {});
    ASSERT_TRUE(again.ok()) << again.status() << ConfigToYaml(*config, comments);
    EXPECT_EQ(*again, *config) << ConfigToYaml(*config);
  }
}

TEST(SchemaTest, DifferencesSayWhetherTheyChangeWhatIsLearnt) {
  Config before, after;
  after.train.lr = 0.5;
  after.memory.on_oom = OnOom::kFail;
  after.train.max_epochs = 20;
  const auto differences = DiffConfigs(before, after);
  ASSERT_EQ(differences.size(), 3u);
  EXPECT_EQ(differences[0].key, "train.max_epochs");
  EXPECT_FALSE(differences[0].changes_result);
  EXPECT_EQ(differences[1].key, "train.lr");
  EXPECT_EQ(differences[1].before, "0.001");
  EXPECT_TRUE(differences[1].changes_result);
  EXPECT_FALSE(differences[2].changes_result);
  before.train.schedule = after.train.schedule = LrSchedule::kCosine;
  EXPECT_TRUE(DiffConfigs(before, after)[0].changes_result);
}

// After a change of the key table: copy the file that this test names over
// configs/config.yaml and configs/default.yaml.
TEST(ReadyFilesTest, TheCommentedDefaultsAreWhatTheTablePrints) {
  const std::string expected = absl::StrCat(
      "# Plain defaults: every key with its meaning and what it takes. Copy what you change.\n"
      "# A run needs at least data.train and model.name.\n\n",
      ConfigToYaml(Config(), /*with_comments=*/true));
  const std::string fresh = testing::TempDir() + "/fresh_config.yaml";
  std::ofstream(fresh) << expected;
  for (const char* name : {"configs/config.yaml", "configs/default.yaml"}) {
    std::ifstream file(name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text, expected) << name << " is stale; the fresh one is " << fresh;
  }
}

TEST(ReadyFilesTest, EveryOneLoadsAndTheDefaultsAreTheDefaults) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const auto config = LoadConfig(entry.path().string(), {});
    EXPECT_TRUE(config.ok()) << config.status();
    const std::string name = entry.path().filename();
    if (name != "config.yaml" && name != "default.yaml") continue;
    EXPECT_EQ(*config, Config()) << name;
  }
  EXPECT_GE(files, 5);
}

}  // namespace
}  // namespace slimreel
