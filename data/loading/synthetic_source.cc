#include "data/loading/synthetic_source.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/counter_random.h"

namespace slimreel {
namespace {

constexpr char kPrefix[] = "synthetic:";
constexpr uint64_t kLabelDraw = 0x6c6162656c;
constexpr uint64_t kPixelDraw = 0x706978656c;
constexpr uint64_t kKeypointDraw = 0x6b707473;
constexpr uint64_t kLogMelDraw = 0x6d656c;
constexpr uint64_t kTokenDraw = 0x746f6b656e;

constexpr int64_t kFillToken = 0;  // before and after a text
constexpr int64_t kIgnoredLabel = -100;

class SyntheticSource : public ClipSource {
 public:
  SyntheticSource(int64_t num_samples, const LoaderOptions& options)
      : num_samples_(num_samples),
        seed_(options.seed),
        num_frames_((options.num_frames - 1) * options.frame_interval + 1),
        clip_bytes_(3 * options.num_frames * options.height * options.width),
        size_{.width = options.width, .height = options.height},
        keypoints_(options.keypoints),
        log_mel_(options.log_mel),
        tokens_(options.tokens),
        classes_(SyntheticClasses(options.num_classes.value_or(0))) {
    for (int64_t i = 0; i < num_samples; ++i) videos_.push_back(absl::StrCat(kPrefix, i));
  }

  int64_t num_samples() const override { return num_samples_; }
  ClipInfo info(int64_t sample) const override {
    const uint64_t bits = KeyOf(kLabelDraw, sample);
    const int64_t label =
        classes_.empty() ? -1 : BelowBound(bits, static_cast<int64_t>(classes_.size()));
    return {label, num_frames_, size_, sample};
  }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<std::string>& videos() const override { return videos_; }

  absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const override {
    SplitMix64 noise(KeyOf(kPixelDraw, request.sample));
    for (int64_t at = 0; at < clip_bytes_; at += sizeof(uint64_t)) {
      const uint64_t bits = noise.Bits();
      std::memcpy(clip + at, &bits, std::min<int64_t>(sizeof(bits), clip_bytes_ - at));
    }
    return absl::OkStatus();
  }

  absl::Status ReadKeypoints(const ClipRequest& request, float* keypoints) const override {
    SplitMix64 noise(KeyOf(kKeypointDraw, request.sample));
    const float size = static_cast<float>(keypoints_.heatmap_size);
    const float* end = keypoints + keypoints_.persons * keypoints_.frames * keypoints_.joints * 3;
    for (float* joint = keypoints; joint != end; joint += 3) {
      joint[0] = UniformFloat(noise.Bits()) * size;
      joint[1] = UniformFloat(noise.Bits()) * size;
      joint[2] = UniformFloat(noise.Bits());
    }
    return absl::OkStatus();
  }

  absl::Status ReadLogMel(int64_t sample, float* log_mel) const override {
    SplitMix64 noise(KeyOf(kLogMelDraw, sample));
    std::generate_n(log_mel, log_mel_.mels * log_mel_.frames,
                    [&noise] { return UniformFloat(noise.Bits()) * 2.0f - 1.0f; });
    return absl::OkStatus();
  }

  absl::Status ReadTokens(int64_t sample, int64_t* tokens, int64_t* labels) const override {
    SplitMix64 noise(KeyOf(kTokenDraw, sample));
    const int64_t shortest = (tokens_.length + 1) / 2;
    const int64_t text = shortest + BelowBound(noise.Bits(), tokens_.length - shortest + 1);
    const int64_t first = std::min<int64_t>(kFillToken + 1, tokens_.vocabulary - 1);
    for (int64_t i = 0; i < tokens_.length; ++i) {
      labels[i] =
          i < text ? first + BelowBound(noise.Bits(), tokens_.vocabulary - first) : kIgnoredLabel;
      tokens[i] = i > 0 && labels[i - 1] != kIgnoredLabel ? labels[i - 1] : kFillToken;
    }
    return absl::OkStatus();
  }

 private:
  uint64_t KeyOf(uint64_t draw, int64_t sample) const {
    return CounterBits({seed_, draw, static_cast<uint64_t>(sample)});
  }

  const int64_t num_samples_;
  const uint64_t seed_;
  const int64_t num_frames_;
  const int64_t clip_bytes_;
  const FrameSize size_;
  const KeypointInput keypoints_;
  const LogMelInput log_mel_;
  const TokenInput tokens_;
  const std::vector<std::string> classes_;
  std::vector<std::string> videos_;
};

}  // namespace

std::vector<std::string> SyntheticClasses(int64_t num_classes) {
  std::vector<std::string> classes;
  for (int64_t i = 0; i < num_classes; ++i) classes.push_back(absl::StrCat(i));
  return classes;
}

bool IsSyntheticSource(const std::string& source) { return source.rfind(kPrefix, 0) == 0; }

absl::StatusOr<std::unique_ptr<ClipSource>> OpenSyntheticSource(const LoaderOptions& options) {
  const std::string& source = options.sources[0];
  int64_t num_samples = 0;
  if (!absl::SimpleAtoi(source.substr(sizeof(kPrefix) - 1), &num_samples) || num_samples < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("data source '", source, "' is wrong; write synthetic:N with N at least 1"));
  }
  if (options.sources.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("data source '", source, "' must be the only one; remove the other sources"));
  }
  if (options.num_classes.value_or(0) < 1 && options.tokens.length < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("data source '", source, "' has no class names; set model.num_classes"));
  }
  return std::make_unique<SyntheticSource>(num_samples, options);
}

}  // namespace slimreel
