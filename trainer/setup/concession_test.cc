#include "trainer/setup/concession.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace slimreel {
namespace {

Config ConfigOf(const std::string& allow) {
  return LoadConfig("", {{"memory.allow", allow},
                         {"model.name", "r3d_nano"},
                         {"data.num_frames", "16"},
                         {"data.img_size", "[112, 224]"}})
      .value();
}

std::vector<std::string> AllOf(Config config) {
  std::vector<std::string> made;
  while (const auto next = NextConcession(config)) {
    made.push_back(next->key + "=" + next->to);
    Concede(*next, &config);
  }
  return made;
}

TEST(ConcessionTest, OnlyWhatIsListedIsGivenUpAndInOrder) {
  EXPECT_EQ(AllOf(ConfigOf("[checkpointing, lean, split]")), std::vector<std::string>{});
  EXPECT_EQ(
      AllOf(ConfigOf("[smaller_images, fewer_frames, precision]")),
      (std::vector<std::string>{"trainer.precision=bf16", "data.num_frames=8", "data.num_frames=4",
                                "data.img_size=[64, 144]", "data.img_size=[32, 96]"}));
  EXPECT_EQ(AllOf(ConfigOf("[fewer_frames]")),
            (std::vector<std::string>{"data.num_frames=8", "data.num_frames=4"}));
}

TEST(ConcessionTest, SpeechModelsHaveNoFramesToGive) {
  Config config = ConfigOf("[precision, fewer_frames, smaller_images]");
  config.model.name = "whisper_nano";
  EXPECT_EQ(AllOf(config), (std::vector<std::string>{"trainer.precision=bf16"}));
}

TEST(ConcessionTest, ARunThatGoesOnRepeatsThemUnlessTheConfigurationAsksForSomethingElse) {
  const std::vector<Concession> made = {{"data.num_frames", "16", "8"},
                                        {"data.num_frames", "8", "4"}};
  Config same = ConfigOf("[fewer_frames]");
  EXPECT_EQ(RepeatConcessions(made, &same), made);
  EXPECT_EQ(same.data.num_frames, 4);
  Config forbidden = ConfigOf("none");  // what is learnt must not change in the middle of a run
  RepeatConcessions(made, &forbidden);
  EXPECT_EQ(forbidden.data.num_frames, 4);
  Config other = ConfigOf("[fewer_frames]");
  other.data.num_frames = 32;
  RepeatConcessions(made, &other);
  EXPECT_EQ(other.data.num_frames, 32);
  EXPECT_EQ(RepeatConcessions(made, &other), std::vector<Concession>{});
  Config odd = ConfigOf("[fewer_frames]");
  odd.data.num_frames = 20;
  EXPECT_EQ(AllOf(odd), (std::vector<std::string>{"data.num_frames=10", "data.num_frames=4"}));
}

}  // namespace
}  // namespace slimreel
