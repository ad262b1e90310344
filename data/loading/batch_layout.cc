#include "data/loading/batch_layout.h"

#include <bit>

namespace slimreel {
namespace {

constexpr int64_t kAlignmentBytes = 64;

int64_t Aligned(int64_t bytes) {
  return (bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
}

}  // namespace

SampleBytes SampleBytesOf(const LoaderOptions& options) {
  constexpr int64_t kFloat = sizeof(float);
  const KeypointInput& keypoints = options.keypoints;
  SampleBytes bytes;
  if (options.frames) bytes.clip = 3 * options.num_frames * options.height * options.width;
  bytes.keypoints = keypoints.persons * keypoints.frames * keypoints.joints * 3 * kFloat;
  bytes.log_mel = options.log_mel.mels * options.log_mel.frames * kFloat;
  bytes.tokens = options.tokens.length * static_cast<int64_t>(sizeof(int64_t));
  return bytes;
}

BatchLayout BatchLayoutOf(const LoaderOptions& options, int64_t samples) {
  const SampleBytes sample = SampleBytesOf(options);
  BatchLayout layout;
  // An absent input takes no bytes, not even for alignment.
  const auto place = [&layout, samples](int64_t sample_bytes) {
    if (sample_bytes == 0) return layout.bytes;
    const int64_t offset = Aligned(layout.bytes);
    layout.bytes = offset + samples * sample_bytes;
    return offset;
  };
  layout.clips = place(sample.clip);
  layout.keypoints = place(sample.keypoints);
  layout.log_mel = place(sample.log_mel);
  layout.tokens = place(sample.tokens);
  return layout;
}

int64_t PageLockedBytesOf(const LoaderOptions& options, int64_t samples) {
  const SampleBytes sample = SampleBytesOf(options);
  int64_t bytes = 0;
  for (const int64_t input : {sample.clip, sample.keypoints, sample.log_mel, sample.tokens}) {
    if (input > 0) {
      bytes += static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(samples * input)));
    }
  }
  return bytes;
}

}  // namespace slimreel
