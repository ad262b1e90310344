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

std::string WriteConfig(const std::string& text) {
  const std::string path = testing::TempDir() + "/config.yaml";
  std::ofstream(path) << text;
  return path;
}

std::string ErrorOf(const std::string& yaml, const std::vector<ConfigOverride>& overrides = {}) {
  return std::string(LoadConfig(WriteConfig(yaml), overrides).status().message());
}

// Values of each numeric key just outside of its bounds; for whole numbers also a fraction.
struct OutOfRange {
  const char* key;
  const char* values[3];  // ends at the first null
};
constexpr OutOfRange kOutOfRange[] = {{"seed", {"-1", "1.5"}},
                                      {"data.batch_size", {"0", "2.5"}},
                                      {"data.eval_batch_size", {"0"}},
                                      {"data.img_size", {"7", "4097", "[64, 7]"}},
                                      {"data.short_side", {"7", "8193"}},
                                      {"data.num_frames", {"0", "1025"}},
                                      {"data.frame_interval", {"0", "1001"}},
                                      {"data.max_video_frames", {"0"}},
                                      {"data.chunk_overlap", {"-1"}},
                                      {"data.quality_threshold", {"-0.1", "1.1", "nan"}},
                                      {"data.shard_size", {"1KiB", "-1"}},
                                      {"data.heatmap.sigma", {"0", "101"}},
                                      {"data.heatmap.size", {"7", "1025"}},
                                      {"dataloader.num_workers", {"-1", "257"}},
                                      {"dataloader.prefetch_factor", {"0", "1025"}},
                                      {"model.num_classes", {"1"}},
                                      {"model.dropout", {"-0.1", "1"}},
                                      {"model.drop_path", {"-0.1", "1"}},
                                      {"model.norm_group", {"0"}},
                                      {"train.accumulate_grad_batches", {"0"}},
                                      {"train.effective_batch_size", {"0"}},
                                      {"train.max_epochs", {"0"}},
                                      {"train.max_steps", {"0"}},
                                      {"train.lr", {"-1", "inf"}},
                                      {"train.lr_reference_batch", {"0"}},
                                      {"train.weight_decay", {"-1"}},
                                      {"train.momentum", {"-0.1", "1"}},
                                      {"train.betas", {"[0.9]", "[0.9, 1]", "[-0.1, 0.9]"}},
                                      {"train.eps", {"0"}},
                                      {"train.layer_decay", {"0", "1.1"}},
                                      {"train.warmup_steps", {"-1"}},
                                      {"train.step_size", {"0"}},
                                      {"train.gamma", {"0", "1.1"}},
                                      {"train.clip_grad_norm", {"0"}},
                                      {"train.label_smoothing", {"-0.1", "1"}},
                                      {"train.class_weights", {"[1, -1]"}},
                                      {"trainer.limit_train_batches", {"0", "1.5", "-0.1"}},
                                      {"trainer.limit_val_batches", {"0", "1.5"}},
                                      {"trainer.log_every_steps", {"0"}},
                                      {"evaluation.every_steps", {"0"}},
                                      {"evaluation.num_clips", {"0", "101"}},
                                      {"checkpoint.every_steps", {"0"}},
                                      {"checkpoint.every_minutes", {"0"}},
                                      {"checkpoint.keep", {"0"}},
                                      {"memory.budget", {"0", "101%", "-1"}},
                                      {"memory.host_budget", {"0", "0%"}}};

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

TEST(SchemaTest, ValuesThatAreNotYetAvailableAreRefused) {
  const std::vector<ConfigOverride> later = {{"task", "transcribe"},
                                             {"data.fps", "25"},
                                             {"data.frame_codec", "jpeg"},
                                             {"data.augment", "standard"},
                                             {"data.augment.color_jitter", "true"},
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

TEST(SchemaTest, AllTechniquesMayBeListedInAnyOrder) {
  const auto same =
      LoadConfig("", {{"memory.allow", "[offload, split, lean, checkpointing, paging, release]"}});
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(*same, Config());
  const auto inexact = LoadConfig("", {{"memory.allow", "[precision, fewer_frames]"}});
  ASSERT_TRUE(inexact.ok()) << inexact.status();
  EXPECT_TRUE(inexact->memory.allow.fewer_frames && !inexact->memory.allow.smaller_images);
}

TEST(SchemaTest, AWrongWordIsReportedWithItsLineAndTheNearestWord) {
  const std::string error = ErrorOf(
      "evaluation:\n  metric: top2\n  strategy: step\nmodel:\n  norm_group: micro_bach\n"
      "memory:\n  schedule: chekpoint\n  allow: [spilt]\ntrainer:\n  device: cud\n"
      "data:\n  augment: ligth\n");
  EXPECT_THAT(error,
              HasSubstr("config.yaml:2: evaluation.metric is \"top2\"; allowed is top1 | top5 "
                        "| mean_class_accuracy | loss, or none; did you mean top1?"));
  EXPECT_THAT(error, HasSubstr("config.yaml:3: evaluation.strategy"));
  EXPECT_THAT(error, HasSubstr("did you mean steps?"));
  EXPECT_THAT(error, HasSubstr("config.yaml:5: model.norm_group"));
  EXPECT_THAT(error, HasSubstr("did you mean micro_batch?"));
  EXPECT_THAT(error, HasSubstr("config.yaml:7: memory.schedule"));
  EXPECT_THAT(error, HasSubstr("did you mean checkpoint?"));
  EXPECT_THAT(error, HasSubstr("config.yaml:8: memory.allow"));
  EXPECT_THAT(error, HasSubstr("did you mean split?"));
  EXPECT_THAT(error, HasSubstr("config.yaml:10: trainer.device"));
  EXPECT_THAT(error, HasSubstr("did you mean cuda?"));
  EXPECT_THAT(error, HasSubstr("config.yaml:12: data.augment"));
  EXPECT_THAT(error, HasSubstr("allowed is none | light (random_crop) | standard (random_crop, "
                               "color_jitter), or a map; did you mean light?"));
}

TEST(SchemaTest, EveryMetricIsAcceptedAndReadBack) {
  for (const std::string& name : BestMetricNames()) {
    const auto config = LoadConfig("", {{"evaluation.metric", name}});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->evaluation.metric, name);
    EXPECT_THAT(ConfigToYaml(*config), HasSubstr("metric: " + name + "\n"));
  }
}

TEST(SchemaTest, ContradictionsOfAllSectionsAreReportedAtOnce) {
  const std::string error = ErrorOf(
      "data:\n  batch_size: 8\n  chunk_overlap: 600\n  train: [synthetic:0]\n"
      "train:\n  effective_batch_size: 12\n  step_size: 5\n  class_weights: [0, 0]\n"
      "model:\n  num_classes: 3\nevaluation:\n  every_steps: 10\n");
  for (const char* part :
       {"config.yaml: data.train is \"synthetic:0\"", "config.yaml: data.chunk_overlap is 600",
        "config.yaml: train.effective_batch_size is 12", "config.yaml: train.step_size is 5",
        "config.yaml: train.class_weights are all 0",
        "config.yaml: train.class_weights has 2 numbers, but model.num_classes is 3",
        "config.yaml: evaluation.every_steps is 10"}) {
    EXPECT_THAT(error, HasSubstr(part));
  }
  EXPECT_THAT(ErrorOf("", {{"evaluation.strategy", "steps"}}),
              HasSubstr("needs evaluation.every_steps"));
  for (const char* strategy : {"steps", "no"}) {
    EXPECT_TRUE(
        LoadConfig("", {{"evaluation.strategy", strategy}, {"evaluation.every_steps", "5"}}).ok());
  }
}

TEST(SchemaTest, EveryNumberHasItsRange) {
  for (const auto& [key, values] : kOutOfRange) {
    for (const char* value : values) {
      if (value == nullptr) break;
      EXPECT_THAT(ErrorOf("", {{key, value}}), HasSubstr(absl::StrCat(key, " is ")))
          << key << "=" << value;
    }
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

TEST(SchemaTest, TheResolvedFileReadsBackToTheSameConfiguration) {
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

TEST(SchemaTest, DifferencesSayWhetherTheyChangeTheResult) {
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

// After a change of the key table, copy the file that this test names to configs/config.yaml and
// configs/default.yaml.
TEST(ReadyFilesTest, TheFilesOfDefaultsAreWhatTheTablePrints) {
  const std::string expected = absl::StrCat(
      "# The defaults: every key with its meaning and what it allows. Copy what you change.\n"
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

TEST(ReadyFilesTest, EveryFileLoadsAndTheFilesOfDefaultsHaveTheDefaults) {
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
