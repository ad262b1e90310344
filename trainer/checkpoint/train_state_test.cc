#include "trainer/checkpoint/train_state.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/checkpoint/entries.h"

namespace slimreel {
namespace {

TEST(TrainStateTest, StateComesBackFromItsJsonUnchanged) {
  TrainState state;
  state.step = 12;
  state.best_value = 0.1 + 0.2;
  state.best_step = 10;
  state.best_metric = "top1";
  state.best_model = {9, "00000000000000aa"};
  state.plan_terms = {.ceiling_bytes = 24 << 20,
                      .num_stages = 6,
                      .keys = {{"memory.budget", "24MiB"}, {"data.batch_size", "4"}}};
  state.wider = {.micro_batch = 4,
                 .schedule = "keep",
                 .release = true,
                 .peak_bytes = 77,
                 .waiting = {.calm_checkpoints = 1, .on_trial = true, .failures = 2},
                 .seen_retries = 5};
  state.relaxations = 3;
  state.evaluated_step = 11;
  state.classes = {"left", "right \"quoted\""};
  state.preparation = {.short_side = 72,
                       .max_video_frames = 60,
                       .chunk_overlap = 3,
                       .min_chunk_frames = 24,
                       .quality_threshold = 0.1};
  state.changes = {"step 10: train.lr: 0.1 -> 0.01"};
  state.peaks = {.device = 1, .reserved = 2, .host = 3, .loader = 4, .by_phase = {}};
  At(state.peaks.by_phase, MemoryPhase::kEvaluate) = {.bytes = 21, .by_tag = {1, 2, 3, 4, 5, 6}};
  state.loader_epoch = 3;
  state.loader_next_sample = 40;
  state.environment = {2, "AVX2", "2.13.0", "cpu"};
  state.files["a"] = {7, "00000000000000ff"};
  const auto back = StateFromJson(StateToJson(state), "state.json");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

TEST(TrainStateTest, NamesThatAreNotUtf8KeepTheirBytes) {
  TrainState state;
  state.classes = {"caf\xe9", "caf\xc3\xa9", "caf\xe8", "left"};  // Latin-1, UTF-8
  state.changes = {"step 3: data.train: /media/caf\xe9 -> /media/caf\xc3\xa9"};
  const std::string text = StateToJson(state);
  ASSERT_TRUE(nlohmann::json::accept(text));
  const auto back = StateFromJson(text, "state.json");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

// The hash is right each time, so only the check of the fields can find it.
TEST(TrainStateTest, AMissingFieldOrOneOfAnotherTypeIsDamageAndNoException) {
  TrainState state;
  state.classes = {"left"};
  state.files["a"] = {7, "ff"};
  state.plan_terms.keys = {{"memory.budget", "24MiB"}};
  const auto whole = nlohmann::json::parse(StateToJson(state));
  const auto read = [](const nlohmann::json& json) {
    return StateFromJson(WithHash(json), "state.json").status();
  };
  ASSERT_TRUE(read(whole).ok());
  const nlohmann::json flat = whole.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (pointer == "/hash") continue;
    nlohmann::json changed = whole;
    changed[nlohmann::json::json_pointer(pointer)] = nlohmann::json::array({1, 2});
    EXPECT_EQ(read(changed).code(), absl::StatusCode::kDataLoss) << pointer;
  }
  for (const auto& [name, value] : whole.items()) {
    nlohmann::json changed = whole;
    changed.erase(name);
    const bool optional = name == "changes" || name == "concessions" || name == "peak_by_phase" ||
                          name == "relaxations" || name == "hash";  // read() makes a new hash
    EXPECT_EQ(read(changed).ok(), optional) << name;
  }
  for (const char* text : {"", "[]", "7", "{\"format\": \"2\"}", "{\"format\": 2, \"hash\": 3}"}) {
    EXPECT_EQ(StateFromJson(text, "state.json").status().code(), absl::StatusCode::kDataLoss);
  }
}

// README.md says how the file was made.
TEST(TrainStateTest, AStateOfFormat2IsReadWithUnknownFields) {
  const auto state = VerifyCheckpoint("trainer/checkpoint/testdata/format_2");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->step, 2);
  EXPECT_EQ(state->best_metric, "loss");
  EXPECT_EQ(state->best_step, 2);
  EXPECT_EQ(state->schedule, "checkpoint");
  EXPECT_EQ(state->classes, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(state->best_model, FileFingerprint());
  EXPECT_EQ(state->plan_terms, PlanTerms());
  EXPECT_EQ(state->wider, WiderPlan());
  EXPECT_EQ(state->relaxations, 0);
  EXPECT_EQ(*StateFromJson(StateToJson(*state), "state.json"), *state) << "written as of today";
}

TEST(TrainStateTest, AnotherFormatIsRefusedByItsNumberAndNotAsDamage) {
  nlohmann::json json = nlohmann::json::parse(StateToJson(TrainState()));
  for (const int format : {1, 99}) {
    json["format"] = format;
    const absl::Status status = StateFromJson(WithHash(json), "state.json").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrFormat("is of format %d", format)));
    EXPECT_TRUE(absl::StrContains(status.message(), "Go on with the version that wrote it"));
  }
  // A flipped digit is damage: the number is wrong.
  json["format"] = 99;
  EXPECT_EQ(StateFromJson(json.dump(), "state.json").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace slimreel
