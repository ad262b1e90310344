#include "data/decode/containers.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "data/decode/libav_handles.h"

namespace slimreel {
namespace {

std::set<std::string> Known() {
  std::set<std::string> names;
  void* at = nullptr;
  while (const AVInputFormat* format = av_demuxer_iterate(&at)) {
    for (const auto name : absl::StrSplit(format->name, ',')) names.emplace(name);
  }
  return names;
}

// A typing error would silently exclude a container.
TEST(ContainersTest, LibavformatKnowsEachName) {
  const std::set<std::string> known = Known();
  // These exist only in some versions of FFmpeg.
  const std::set<std::string> elsewhere = {"vvc", "asf_o"};
  for (const auto name : absl::StrSplit(kContainers, ',')) {
    const std::string text(name);
    EXPECT_TRUE(known.contains(text) || elsewhere.contains(text)) << text;
  }
}

TEST(ContainersTest, NoneOpensOtherFilesOrWaits) {
  const std::set<std::string> allowed = absl::StrSplit(kContainers, ',');
  for (const char* name : {"hls", "dash", "concat", "image2", "sdp", "rtsp", "imf", "ffmetadata",
                           "webm_dash_manifest", "lavfi", "tty", "srt", "svg_pipe"}) {
    EXPECT_FALSE(allowed.contains(name)) << name;
  }
}

}  // namespace
}  // namespace slimreel
