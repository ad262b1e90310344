#include "data/shard/sample_origin.h"

#include <gtest/gtest.h>

#include <vector>

namespace slimreel {
namespace {

using nlohmann::json;

SampleOrigin Whole() {
  SampleOrigin origin;
  origin.known = true;
  origin.video = {1000, -5, 0xfedcba9876543210};
  origin.keypoints = {200, 7, 0x11};
  origin.recipe = 0x8000000000000001;
  origin.chunk = 4;
  origin.last_chunk = true;
  origin.left_out_frames = 6;
  return origin;
}

// As the writer puts it into the JSON of a sample.
json SampleJson(const SampleOrigin& origin) {
  return {{"origin", ToJson(origin)}, {"chunk", origin.chunk}, {"last_chunk", origin.last_chunk}};
}

TEST(SampleOriginTest, RoundTripsThroughTheJsonOfASample) {
  EXPECT_EQ(OriginFromJson(SampleJson(Whole())), Whole());
  SampleOrigin inner = Whole();
  inner.keypoints = {};
  inner.last_chunk = false;
  inner.left_out_frames = 0;
  EXPECT_EQ(OriginFromJson(SampleJson(inner)), inner);
}

TEST(SampleOriginTest, HashesAreTextBecauseManyReadersRoundLargeNumbers) {
  const json object = ToJson(Whole());
  EXPECT_EQ(object["recipe"], "8000000000000001");
  EXPECT_EQ(object["video"]["digest"], "fedcba9876543210");
  EXPECT_EQ(object["keypoints"]["digest"], "0000000000000011");
}

TEST(SampleOriginTest, AMissingOrMistypedMemberMeansNotKnown) {
  EXPECT_FALSE(OriginFromJson(json::object()).known);
  std::vector<json> wrong;
  for (const char* key : {"origin", "chunk", "last_chunk"}) {
    wrong.push_back(SampleJson(Whole()));
    wrong.back().erase(key);
    wrong.push_back(SampleJson(Whole()));
    wrong.back()[key] = "text";
  }
  for (const char* key : {"video", "recipe", "keypoints"}) {
    wrong.push_back(SampleJson(Whole()));
    wrong.back()["origin"][key] = 7;
  }
  for (const char* key : {"size_bytes", "mtime_ns", "digest"}) {
    wrong.push_back(SampleJson(Whole()));
    wrong.back()["origin"]["video"].erase(key);
  }
  wrong.push_back(SampleJson(Whole()));
  wrong.back()["chunk"] = -1;
  wrong.push_back(SampleJson(Whole()));
  wrong.back()["chunk"] = int64_t{1} << 32;
  wrong.push_back(SampleJson(Whole()));
  wrong.back()["origin"]["left_out_frames"] = -1;
  for (const json& sample : wrong) {
    EXPECT_EQ(OriginFromJson(sample), SampleOrigin()) << sample.dump();
  }
}

}  // namespace
}  // namespace slimreel
