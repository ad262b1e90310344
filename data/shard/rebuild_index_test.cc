#include "data/shard/rebuild_index.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_text.h"
#include "data/shard/index.h"
#include "data/shard/npy.h"
#include "data/shard/sample_origin.h"
#include "data/shard/tar.h"

namespace slimreel {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

std::string Tar(const Members& members) {
  std::string tar;
  for (const auto& [name, content] : members) {
    tar += TarHeader(name, content.size()) + content;
    tar.resize(TarPadded(tar.size()));
  }
  return tar + std::string(kTarTrailer, '\0');
}

void ExpectDamage(const Members& members, const std::string& words) {
  const absl::Status status = RebuildIndex(Tar(members)).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find(words), std::string::npos) << status;
}

TEST(RebuildIndexTest, AWebDatasetOfImagesBecomesReadable) {
  const std::string tar = Tar({{"a/x.0000.jpg", "one"},
                               {"a/x.0001.jpg", "two"},
                               {"a/x.json", R"({"label": 4, "height": 6, "width": 8})"},
                               {"y.0000.jpg", "three"}});
  const auto bytes = RebuildIndex(tar);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto index = IndexView::Parse(*bytes, tar.size());
  ASSERT_TRUE(index.ok()) << index.status();
  ASSERT_EQ(index->num_samples(), 2);
  EXPECT_EQ(index->num_members(), 4u);
  const IndexSample first = index->sample(0), second = index->sample(1);
  EXPECT_EQ(first.key, "a/x");
  EXPECT_EQ(first.source, "a/x");  // without "source" the key is taken
  EXPECT_EQ(first.label, 4);
  EXPECT_EQ(first.num_frames, 2u);
  EXPECT_EQ(first.height, 6u);
  EXPECT_EQ(second.key, "y");
  EXPECT_EQ(second.label, -1);
  EXPECT_EQ(second.num_frames, 1u);
}

TEST(RebuildIndexTest, AFramesArrayGivesItsOwnSize) {
  const std::vector<uint8_t> pixels(2 * 3 * 5 * 3);
  const std::string frames = NpyFile(NpyType::kUint8, {2, 3, 5, 3}, pixels.data());
  const std::string tar =
      Tar({{"x.frames.npy", frames}, {"x.json", R"({"num_frames": 9, "source": "x.mp4"})"}});
  const auto bytes = RebuildIndex(tar);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto index = IndexView::Parse(*bytes, tar.size());
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->sample(0).num_frames, 2u);
  EXPECT_EQ(index->sample(0).height, 3u);
  EXPECT_EQ(index->sample(0).width, 5u);
  EXPECT_EQ(index->sample(0).source, "x.mp4");
}

TEST(RebuildIndexTest, OriginAndSourceAreReadFromTheJson) {
  const SampleOrigin origin{true, {5, 6, 7}, {}, 8, 9, true, 10};
  const std::string source = "caf\xe9/\xef\xbf\xbd.mp4";  // not UTF-8, then U+FFFD itself
  const nlohmann::json json = {{"source", TextOfBytes(source)},
                               {"origin", ToJson(origin)},
                               {"chunk", 9},
                               {"last_chunk", true}};
  const std::string tar = Tar({{"x.json", json.dump()}, {"y.json", R"({"chunk": 9})"}});
  const auto bytes = RebuildIndex(tar);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto index = IndexView::Parse(*bytes, tar.size());
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->sample(0).source, source);
  EXPECT_EQ(index->sample(0).origin, origin);
  EXPECT_FALSE(index->sample(1).origin.known);
}

TEST(RebuildIndexTest, DamageNamesTheMember) {
  ExpectDamage({{"x.json", "{}"}, {"y.json", "{}"}, {"x.0000.jpg", ""}},
               "sample x are not contiguous");
  ExpectDamage({{"a/README", "text"}}, "member a/README");
  ExpectDamage({{"a/.hidden", "text"}}, "member a/.hidden");
  ExpectDamage({{"x.json", "[1]"}}, "member x.json: the JSON is not an object");
  ExpectDamage({{"x.frames.npy", "pixels"}}, "member x.frames.npy");
  EXPECT_TRUE(absl::IsDataLoss(RebuildIndex(Tar({{"x.json", "{}"}}).substr(0, 700)).status()));
}

}  // namespace
}  // namespace slimreel
