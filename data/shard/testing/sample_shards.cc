#include "data/shard/testing/sample_shards.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/shard/npy.h"
#include "data/shard/part_inputs.h"
#include "data/shard/shard_file.h"
#include "data/shard/shard_types.h"

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

absl::Status WriteTestPart(const std::string& folder, int part, int num_parts,
                           const std::vector<std::string>& names,
                           const std::vector<std::string>& classes) {
  ShardWriterOptions options;
  options.folder = folder;
  options.part = part;
  options.num_parts = num_parts;
  SLIMREEL_ASSIGN_OR_RETURN(auto writer, ShardWriter::Create(options));
  SplitCounts counts;
  for (size_t i = 0; i < names.size(); ++i) {
    if (PartOf(names[i], num_parts) != part) continue;
    TestSample test(static_cast<int64_t>(i));
    test.sample.source = names[i];
    SLIMREEL_RETURN_IF_ERROR(writer->Add(test.sample));
    ++counts.videos;
  }
  SLIMREEL_RETURN_IF_ERROR(writer->Flush());
  for (const PublishedShard& shard : writer->published()) {
    ++counts.shards;
    counts.samples += shard.num_samples;
    counts.frames += shard.num_frames;
    counts.bytes += shard.bytes;
  }
  DatasetInfo info;
  info.classes = classes;
  info.splits["train"] = counts;
  std::vector<PartInput> inputs;
  for (const std::string& name : names) inputs.push_back({name});
  SLIMREEL_RETURN_IF_ERROR(WritePartInputs(folder, "train", part, num_parts, inputs).status());
  return WriteDatasetInfo(folder, info, part, num_parts);
}

SplitCounts CountTestShards(const std::string& folder, const std::string& split) {
  SplitCounts counts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ShardName name;
    if (!ParseShardName(entry.path().filename().string(), &name) || name.split != split) continue;
    const auto shard = ShardFile::Open(entry.path().string());
    if (!shard.ok()) continue;
    ++counts.shards;
    counts.bytes += static_cast<int64_t>(entry.file_size());
    counts.samples += (*shard)->index().num_samples();
    for (int64_t i = 0; i < (*shard)->index().num_samples(); ++i) {
      counts.frames += (*shard)->index().sample(i).num_frames;
    }
  }
  return counts;
}

}  // namespace slimreel
