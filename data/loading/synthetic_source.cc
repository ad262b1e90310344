#include "data/loading/synthetic_source.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "data/loading/counter_random.h"

namespace slimreel {
namespace {

constexpr char kPrefix[] = "synthetic:";
constexpr uint64_t kLabelDraw = 0x6c6162656c;
constexpr uint64_t kPixelDraw = 0x706978656c;

class SyntheticSource : public ClipSource {
 public:
  SyntheticSource(int64_t num_samples, const LoaderOptions& options)
      : num_samples_(num_samples),
        seed_(options.seed),
        num_frames_((options.num_frames - 1) * options.frame_interval + 1),
        clip_bytes_(3 * options.num_frames * options.height * options.width),
        size_{options.height, options.width} {
    for (int64_t i = 0; i < options.num_classes; ++i) classes_.push_back(absl::StrCat(i));
    for (int64_t i = 0; i < num_samples; ++i) videos_.push_back(absl::StrCat(kPrefix, i));
  }

  int64_t num_samples() const override { return num_samples_; }
  ClipInfo info(int64_t sample) const override {
    const uint64_t bits = CounterBits({seed_, kLabelDraw, static_cast<uint64_t>(sample)});
    return {BelowBound(bits, static_cast<int64_t>(classes_.size())), num_frames_, size_, sample};
  }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<std::string>& videos() const override { return videos_; }

  absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const override {
    // SplitMix64 with the sample's key as its start: eight bytes at a time.
    uint64_t counter = CounterBits({seed_, kPixelDraw, static_cast<uint64_t>(request.sample)});
    for (int64_t at = 0; at < clip_bytes_; at += sizeof(uint64_t)) {
      const uint64_t bits = MixBits(counter += 0x9e3779b97f4a7c15ull);
      std::memcpy(clip + at, &bits, std::min<int64_t>(sizeof(bits), clip_bytes_ - at));
    }
    return absl::OkStatus();
  }

 private:
  const int64_t num_samples_;
  const uint64_t seed_;
  const int64_t num_frames_;
  const int64_t clip_bytes_;
  const ImageSize size_;
  std::vector<std::string> classes_;
  std::vector<std::string> videos_;
};

}  // namespace

bool IsSyntheticSource(const std::string& source) { return source.rfind(kPrefix, 0) == 0; }

absl::StatusOr<std::unique_ptr<ClipSource>> OpenSyntheticSource(const LoaderOptions& options) {
  const std::string& source = options.sources[0];
  int64_t num_samples = 0;
  if (!absl::SimpleAtoi(source.substr(sizeof(kPrefix) - 1), &num_samples) || num_samples < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", source, "' is no data source: write synthetic:N with N at least 1"));
  }
  if (options.sources.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", source, "' cannot be joined with other data"));
  }
  if (options.num_classes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", source, "' has no classes of its own: set model.num_classes"));
  }
  return std::make_unique<SyntheticSource>(num_samples, options);
}

}  // namespace slimreel
