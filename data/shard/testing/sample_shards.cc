#include "data/shard/testing/sample_shards.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/shard/npy.h"

namespace slimreel {

TestSample::TestSample(int64_t number) {
  const int64_t num_frames = kTestFrames + number % 2;
  const int64_t frame_bytes = kTestHeight * kTestWidth * 3;
  pixels.resize(static_cast<size_t>(num_frames * frame_bytes));
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = TestPixel(number, static_cast<int64_t>(i));
  }
  sample.key = absl::StrFormat("clips/v%03d_%06d", number / 2, number);
  sample.source = absl::StrCat("v", number / 2, ".mp4");
  sample.label = number % 5 == 4 ? -1 : number % 3;
  sample.height = kTestHeight;
  sample.width = kTestWidth;
  sample.frames = {{pixels.data(), 1}, {pixels.data() + frame_bytes, num_frames - 1}};
  sample.metadata["pts_us"] = {0, 40000, 80000, 120000};
  if (number % 2 == 0) {
    const std::vector<float> points(2 * 4 * 17 * 3, static_cast<float>(number) + 0.5f);
    keypoints = NpyFile(NpyType::kFloat32, {2, 4, 17, 3}, points.data());
    sample.members.push_back({"kpts.npy", keypoints});
  }
}

absl::Status WriteTestShards(const std::string& folder, int64_t num_samples,
                             int64_t shard_size_bytes, const std::string& split) {
  ShardWriterOptions options;
  options.folder = folder;
  options.split = split;
  options.shard_size_bytes = shard_size_bytes;
  SLIMREEL_ASSIGN_OR_RETURN(auto writer, ShardWriter::Create(options));
  for (int64_t i = 0; i < num_samples; ++i) {
    const TestSample test(i);
    SLIMREEL_RETURN_IF_ERROR(writer->Add(test.sample));
  }
  return writer->Flush();
}

}  // namespace slimreel
