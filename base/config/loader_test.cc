// Tests the loader with a small table; configs/schema_test.cc tests the table of the project.
#include "base/config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "base/test_files.h"

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Options {
  int64_t seed = 0;
  int64_t batch = 8;
  double sigma = 0.6;
  bool flip = false;
  bool jitter = false;
  std::string weights;
};

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    keys_ = {IntKey("seed", &options_.seed, AtLeast(0), "seed of all random numbers"),
             IntKey("data.batch", &options_.batch, AtLeast(1), "samples"),
             FloatKey("data.heatmap.sigma", &options_.sigma, MoreThan(0), "pixels"),
             CustomKey(
                 "data.augment", "map", "what is done",
                 [](const YAML::Node&) { return absl::OkStatus(); },
                 [this] { return std::string(options_.flip ? "{flip: true}" : "none"); }),
             BoolKey("data.augment.flip", &options_.flip, "mirror").PartOfMap(),
             BoolKey("data.augment.jitter", &options_.jitter, "colours").Later().PartOfMap(),
             TextKey("model.weights", &options_.weights, "none", "file").LaterValues({"hub"})};
  }

  absl::Status Apply(const std::string& yaml, const std::vector<ConfigOverride>& overrides = {}) {
    std::string path;
    if (!yaml.empty()) {
      path = TestFolder("config") + "/c.yaml";
      WriteTestFile(path, yaml);
    }
    return ApplyConfig(path, overrides, aliases_, &keys_, &notes_);
  }

  std::string ErrorOf(const std::string& yaml, const std::vector<ConfigOverride>& overrides = {}) {
    return std::string(Apply(yaml, overrides).message());
  }

  Options options_;
  std::vector<ConfigKey> keys_;
  const std::vector<ConfigAlias> aliases_ = {
      {"batch_size", "data.batch", {}},
      {"mirror", "data.augment.flip", {{"both", "true"}, {"auto", ""}}}};
  std::vector<std::string> notes_;
};

TEST_F(LoaderTest, TheLastOverrideWins) {
  ASSERT_TRUE(Apply("seed: 1\n", {{"seed", "2"}, {"seed", "3"}}).ok());
  EXPECT_EQ(options_.seed, 3);
}

TEST_F(LoaderTest, AnOverrideMayBeAMapOfASection) {
  ASSERT_TRUE(
      Apply("", {{"data", "{batch: 2, heatmap: {sigma: 1.5}, augment: {flip: true}}"}}).ok());
  EXPECT_EQ(options_.batch, 2);
  EXPECT_EQ(options_.sigma, 1.5);
  EXPECT_TRUE(options_.flip);
  EXPECT_THAT(ErrorOf("", {{"data", "{batsh: 2}"}}),
              HasSubstr("command line: unknown key data.batsh; did you mean data.batch?"));
}

TEST_F(LoaderTest, AnOverrideThatIsNotYamlIsText) {
  ASSERT_TRUE(Apply("", {{"model.weights", "@home/w: [x"}}).ok());
  EXPECT_EQ(options_.weights, "@home/w: [x");
}

TEST_F(LoaderTest, AnAliasAndItsKeyInOneFileAreTheSameKeySetTwice) {
  EXPECT_THAT(ErrorOf("batch_size: 4\ndata:\n  batch: 2\n"),
              testing::ContainsRegex("c.yaml:3: data.batch is set twice, first at .*c.yaml:1"));
}

TEST_F(LoaderTest, ValuesOfAnAliasAreTranslatedOrIgnored) {
  ASSERT_TRUE(Apply("mirror: Both\n").ok());
  EXPECT_TRUE(options_.flip);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("c.yaml:1: mirror is read as data.augment.flip")));
  notes_.clear();
  ASSERT_TRUE(Apply("mirror: auto\n").ok());
  EXPECT_TRUE(options_.flip);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(LoaderTest, AKeyThatIsNotYetAvailableAcceptsOnlyItsDefault) {
  EXPECT_TRUE(Apply("", {{"data.augment.jitter", "false"}, {"model.weights", "mine"}}).ok());
  EXPECT_THAT(ErrorOf("", {{"data.augment.jitter", "true"}}),
              HasSubstr("data.augment.jitter is true, which is not yet available; the default is "
                        "false"));
  EXPECT_THAT(ErrorOf("", {{"model.weights", "hub"}}), HasSubstr("not yet available"));
}

TEST_F(LoaderTest, MistakesOfFileAndOverridesComeTogether) {
  const std::string error = ErrorOf("data:\n  batch: 0\n? [a, b]\n: 1\n", {{"sead", "1"}});
  EXPECT_THAT(error, HasSubstr("c.yaml:2: data.batch is \"0\""));
  EXPECT_THAT(error, HasSubstr("c.yaml:3: a key must be a plain name"));
  EXPECT_THAT(error, HasSubstr("command line: unknown key sead; did you mean seed?"));
}

TEST_F(LoaderTest, ANodeThatContainsItselfIsNotFollowedForever) {
  EXPECT_THAT(ErrorOf("data: &d\n  heatmap: *d\n"),
              HasSubstr("unknown section data.heatmap.heatmap"));
}

TEST_F(LoaderTest, AnEmptySectionChangesNothing) {
  ASSERT_TRUE(Apply("data:\nseed: 5\n").ok());
  EXPECT_EQ(options_.seed, 5);
}

TEST_F(LoaderTest, APipeIsReadAndAnEmptyDeviceChangesNothing) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string yaml = "seed: 5\n";
  ASSERT_EQ(write(ends[1], yaml.data(), yaml.size()), static_cast<ssize_t>(yaml.size()));
  close(ends[1]);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  const absl::Status status = ApplyConfig(path, {}, aliases_, &keys_, &notes_);
  close(ends[0]);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(options_.seed, 5);
  EXPECT_TRUE(ApplyConfig("/dev/null", {}, aliases_, &keys_, &notes_).ok());
}

TEST_F(LoaderTest, AFolderIsRefusedAndAMissingFileIsNotFound) {
  const std::string folder = TestFolder("config");
  const absl::Status status = ApplyConfig(folder, {}, aliases_, &keys_, &notes_);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder + ": is a folder"));
  EXPECT_TRUE(absl::IsNotFound(ApplyConfig(folder + "/no.yaml", {}, aliases_, &keys_, &notes_)));
}

TEST_F(LoaderTest, ASecondDocumentIsRefused) {
  EXPECT_THAT(ErrorOf("seed: 5\n---\nseed: 6\n"), HasSubstr("c.yaml:3: is in a second"));
}

TEST_F(LoaderTest, ThePrintedFileNestsSectionsAndPrintsMapsOnce) {
  EXPECT_EQ(ConfigKeysToYaml(keys_, /*with_comments=*/false),
            "seed: 0\n"
            "\ndata:\n  batch: 8\n  heatmap:\n    sigma: 0.6\n  augment: none\n"
            "\nmodel:\n  weights: none\n");
  EXPECT_THAT(ConfigKeysToYaml(keys_, /*with_comments=*/true),
              HasSubstr("data:\n  # samples (a whole number, 1 or more)\n  batch: 8\n"));
}

}  // namespace
}  // namespace slimreel
