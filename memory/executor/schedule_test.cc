#include "memory/executor/schedule.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr StageMode kKeep = StageMode::kKeep;
constexpr StageMode kLean = StageMode::kLean;
constexpr StageMode kCheckpoint = StageMode::kCheckpoint;

TEST(ScheduleTest, CheckpointedStageRunsAgainRightBeforeItsBackward) {
  const Schedule expected = {{OpKind::kForwardKeep, 0}, {OpKind::kForwardCheckpoint, 1},
                             {OpKind::kForwardKeep, 2}, {OpKind::kBackward, 2},
                             {OpKind::kForwardKeep, 1}, {OpKind::kBackward, 1},
                             {OpKind::kBackward, 0}};
  EXPECT_EQ(MakeSchedule({kKeep, kCheckpoint}), expected);
}

TEST(ScheduleTest, LeanStageRunsForwardOnce) {
  const Schedule expected = {{OpKind::kForwardLean, 0},
                             {OpKind::kForwardKeep, 1},
                             {OpKind::kBackward, 1},
                             {OpKind::kBackward, 0}};
  EXPECT_EQ(MakeSchedule({kLean}), expected);
}

TEST(ScheduleTest, EveryMadeScheduleIsValid) {
  constexpr StageMode kModes[] = {kKeep, kLean, kCheckpoint};
  for (int number = 0; number < 3 * 3 * 3 * 3; ++number) {
    std::vector<StageMode> modes;
    for (int rest = number; modes.size() < 4; rest /= 3) modes.push_back(kModes[rest % 3]);
    EXPECT_TRUE(ValidateSchedule(MakeSchedule(modes), 5).ok()) << number;
  }
}

TEST(ScheduleTest, AnyLostOrDoubledOperationIsAnError) {
  const Schedule good = MakeSchedule({kKeep, kCheckpoint, kCheckpoint});
  ASSERT_TRUE(ValidateSchedule(good, 4).ok());
  for (size_t n = 0; n < good.size(); ++n) {
    Schedule lost = good;
    lost.erase(lost.begin() + n);
    EXPECT_FALSE(ValidateSchedule(lost, 4).ok()) << "without operation " << n;
    if (good[n].kind == OpKind::kForwardCheckpoint) continue;  // a second run is allowed
    Schedule doubled = good;
    doubled.insert(doubled.begin() + n, good[n]);
    EXPECT_FALSE(ValidateSchedule(doubled, 4).ok()) << "operation " << n << " twice";
  }
}

TEST(ScheduleTest, ErrorsNameTheOperation) {
  const Schedule schedule = {{OpKind::kForwardNoGrad, 0}, {OpKind::kForwardKeep, 0}};
  const absl::Status status = ValidateSchedule(schedule, 1);
  EXPECT_NE(status.message().find("operation 1, F_keep(0)"), std::string::npos) << status;
  EXPECT_FALSE(ValidateSchedule({{OpKind::kForwardKeep, 3}}, 2).ok());
  EXPECT_FALSE(ValidateSchedule({}, 1).ok());
}

TEST(ScheduleTest, OutputOfARecomputeIsNotRead) {
  const std::vector<bool> read = OutputsRead(MakeSchedule({kCheckpoint, kCheckpoint}));
  //                          F_ck0  F_ck1  F_keep2 B2     F_keep1 B1    F_keep0 B0
  const std::vector<bool> expected = {true, true, false, false, false, false, false, false};
  EXPECT_EQ(read, expected);
}

TEST(StageModesTest, WordsOfTheConfigAreRead) {
  using Modes = std::vector<StageMode>;
  EXPECT_EQ(*ParseStageModes("keep", 2), (Modes{kKeep, kKeep}));
  EXPECT_EQ(*ParseStageModes("checkpoint", 2), (Modes{kCheckpoint, kCheckpoint}));
  EXPECT_EQ(*ParseStageModes("lean,keep", 2), (Modes{kLean, kKeep}));
  EXPECT_EQ(FormatStageModes({kLean, kLean}), "lean");
  EXPECT_EQ(FormatStageModes({kLean, kCheckpoint}), "lean,checkpoint");
  EXPECT_EQ(*ParseStageModes("every:2", 5), (Modes{kKeep, kCheckpoint, kKeep, kCheckpoint, kKeep}));
  EXPECT_EQ(*ParseStageModes("keep, checkpoint keep", 3), (Modes{kKeep, kCheckpoint, kKeep}));
}

TEST(StageModesTest, WrongWordsSayWhatIsAllowed) {
  for (const char* words : {"", "every:0", "every:x", "kept", "keep,checkpoint"}) {
    const auto modes = ParseStageModes(words, 3);
    ASSERT_FALSE(modes.ok()) << words;
    EXPECT_NE(modes.status().message().find("memory.schedule"), std::string::npos) << words;
  }
}

TEST(StageModesTest, FormatGivesWordsThatParseBack) {
  for (int mask = 0; mask < 64; ++mask) {
    std::vector<StageMode> modes;
    for (int i = 0; i < 6; ++i) modes.push_back(mask >> i & 1 ? kCheckpoint : kKeep);
    EXPECT_EQ(*ParseStageModes(FormatStageModes(modes), 6), modes) << FormatStageModes(modes);
  }
  EXPECT_EQ(FormatStageModes({kCheckpoint, kCheckpoint}), "checkpoint");
  EXPECT_EQ(FormatStageModes({kKeep, kCheckpoint, kKeep, kCheckpoint}), "every:2");
}

}  // namespace
}  // namespace slimreel
