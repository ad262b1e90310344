#include "configs/data_options.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/mistakes.h"

namespace slimreel {
namespace {

constexpr absl::string_view kSynthetic = "synthetic:";

void CheckSources(absl::string_view key, const std::vector<std::string>& sources,
                  Mistakes& mistakes) {
  for (const std::string& source : sources) {
    if (source.empty()) mistakes.Add(absl::StrCat(key, " holds an empty path"));
    if (!absl::StartsWith(source, kSynthetic)) continue;
    int64_t samples = 0;
    if (!absl::SimpleAtoi(absl::string_view(source).substr(kSynthetic.size()), &samples) ||
        samples < 1) {
      mistakes.Add(absl::StrCat(key, " is \"", source,
                                "\"; allowed is synthetic:N with N samples, 1 or more"));
    }
    if (sources.size() > 1) {
      mistakes.Add(
          absl::StrCat(key, " mixes ", source, " with other sources; it must be the only one"));
    }
  }
}

}  // namespace

int64_t DataOptions::ResolvedShortSide() const {
  if (native_size) return 0;
  if (short_side.has_value()) return *short_side;
  const int64_t side = std::min(img_height, img_width);
  return (side * 8 * 2 + 7) / 14;  // round(side * 8/7) in whole numbers
}

int64_t DataOptions::ResolvedMinChunkFrames() const {
  return min_chunk_frames.value_or(std::min(num_frames, max_video_frames));
}

absl::Status DataOptions::Validate() const {
  Mistakes mistakes;
  CheckSources("data.train", train, mistakes);
  CheckSources("data.val", val, mistakes);
  CheckSources("data.test", test, mistakes);
  if (chunk_overlap >= max_video_frames) {
    mistakes.Add(absl::StrCat("data.chunk_overlap is ", chunk_overlap, "; allowed is less than ",
                              "data.max_video_frames, which is ", max_video_frames));
  }
  if (min_chunk_frames.value_or(1) > max_video_frames) {
    mistakes.Add(absl::StrCat("data.min_chunk_frames is ", *min_chunk_frames,
                              "; allowed is at most data.max_video_frames, which is ",
                              max_video_frames));
  }
  return mistakes.ToStatus();
}

}  // namespace slimreel
