#include "models/model_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::vector<std::string>& words) {
  return std::string(ModelCommandWord(words).status().message());
}

TEST(ModelFlagsTest, EveryCommandIsAccepted) {
  for (const char* word : {"list", "describe", "import"}) {
    EXPECT_EQ(ModelCommandWord({word}).value_or("none"), word);
  }
}

TEST(ModelFlagsTest, AnUnknownCommandGetsASuggestion) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("list, describe or import"));
  EXPECT_THAT(ErrorOf({"lst"}), HasSubstr("unknown command 'lst'"));
  EXPECT_THAT(ErrorOf({"lst"}), HasSubstr("did you mean list?"));
  EXPECT_THAT(ErrorOf({"describe", "r3d_nano"}), HasSubstr("model describe --model=r3d_nano"));
  EXPECT_THAT(ErrorOf({"list", "r3d_nano"}), HasSubstr("list takes no more words"));
}

TEST(ModelFlagsTest, AllNumbersOutOfBoundsAreNamedAtOnce) {
  EXPECT_TRUE(ModelCommandOptions().Validate().ok());
  ModelCommandOptions options;
  options.batch = 100000000;
  options.num_frames = 0;
  options.img_size = 100000000;
  options.num_classes = -1;
  const std::string error(options.Validate().message());
  EXPECT_THAT(error, HasSubstr("--batch is 100000000; allowed is a whole number, 1 to 1048576"));
  EXPECT_THAT(error, HasSubstr("--num_frames is 0; allowed is a whole number, 1 to 1024"));
  EXPECT_THAT(error, HasSubstr("--img_size is 100000000; allowed is a whole number, 8 to 4096"));
  EXPECT_THAT(error, HasSubstr("--num_classes is -1"));
}

TEST(ModelFlagsTest, FlagsAndOptionsHaveTheSameDefaults) {
  const ModelCommandOptions flags = ModelOptionsFromFlags(), defaults;
  EXPECT_EQ(flags.batch, defaults.batch);
  EXPECT_EQ(flags.num_frames, defaults.num_frames);
  EXPECT_EQ(flags.img_size, defaults.img_size);
  EXPECT_EQ(flags.num_classes, defaults.num_classes);
}

}  // namespace
}  // namespace slimreel
