#include "memory/executor/schedule_text.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

const std::vector<std::string> kStages = {"stem", "layer1.0", "head", "loss"};

constexpr Op Keep(int stage) { return {OpKind::kForwardKeep, stage}; }
constexpr Op Back(int stage) { return {OpKind::kBackward, stage}; }

// The rotor kind: stage 1 runs without a graph and its input is not kept.
Schedule Rotor() {
  return {{OpKind::kForwardCheckpoint, 0},
          {OpKind::kForwardNoGrad, 1},
          Keep(2),
          Keep(3),
          Back(3),
          Back(2),
          {OpKind::kForwardCheckpoint, 0},
          {OpKind::kForwardLean, 1},
          Back(1),
          Keep(0),
          Back(0)};
}

TEST(ScheduleTextTest, WordsAreUsedWhereTheConfigurationHasThem) {
  for (const char* words : {"keep", "lean", "checkpoint", "every:2", "keep,lean,checkpoint"}) {
    const Schedule schedule = MakeSchedule(ParseStageModes(words, 3).value());
    EXPECT_EQ(FormatSchedule(schedule, kStages), words);
    EXPECT_EQ(ParseSchedule(words, kStages).value(), schedule);
  }
}

TEST(ScheduleTextTest, OperationsAreKeyedByStageNameAndReadBack) {
  const std::string text = FormatSchedule(Rotor(), kStages);
  EXPECT_EQ(text.substr(0, 36), "F_checkpoint(stem) F_nograd(layer1.0");
  const auto read = ParseSchedule(text, kStages);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Rotor());
}

TEST(ScheduleTextTest, WrongTextIsAnError) {
  for (const char* text : {"F_keep(stem) F_keep(layer9)", "F_all(stem)", "F_keep(stem", "B(stem)",
                           "F_keep(stem) B(stem)"}) {
    const auto read = ParseSchedule(text, kStages);
    ASSERT_TRUE(absl::IsInvalidArgument(read.status())) << text;
    EXPECT_NE(read.status().message().find("schedule"), absl::string_view::npos) << read.status();
  }
}

TEST(ScheduleTextTest, DescriptionCountsFirstVisitsAndRecomputes) {
  EXPECT_EQ(DescribeSchedule(Rotor()),
            "1 stages kept, 0 lean, 2 checkpointed (3 forward passes run again)");
  EXPECT_EQ(DescribeSchedule(MakeSchedule(ParseStageModes("every:2", 3).value())), "every:2");
}

TEST(ScheduleTextTest, ModesOfAreThoseThatMakeTheSchedule) {
  EXPECT_FALSE(ModesOf(Rotor()).has_value());
  const auto modes = ParseStageModes("keep,lean,checkpoint", 3).value();
  EXPECT_EQ(ModesOf(MakeSchedule(modes)), modes);
}

}  // namespace
}  // namespace slimreel
