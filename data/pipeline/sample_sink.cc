#include "data/pipeline/sample_sink.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

absl::StatusOr<nlohmann::json> MetadataOf(const ShardFile& from, int64_t sample) {
  SLIMREEL_ASSIGN_OR_RETURN(const IndexMember member, from.Find(sample, MemberKind::kJson, 0));
  SLIMREEL_ASSIGN_OR_RETURN(const std::string_view text, from.Content(sample, member));
  auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return from.Damaged(sample, "its JSON cannot be read");
  return json;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SampleSink>> SampleSink::Create(const ShardWriterOptions& options) {
  SLIMREEL_ASSIGN_OR_RETURN(auto writer, ShardWriter::Create(options));
  return std::unique_ptr<SampleSink>(new SampleSink(std::move(writer)));
}

absl::Status SampleSink::AddChunk(const SourceVideo& video, const DescribedChunk& described) {
  Sample sample;
  sample.key = SampleKey(video.key, described.origin.chunk);
  sample.source = video.source.path;
  sample.label = video.label;
  sample.origin = described.origin;
  sample.height = described.size.height;
  sample.width = described.size.width;
  sample.num_frames = static_cast<int64_t>(described.chunk.frames.size());
  if (described.chunk.rgb.data() != nullptr) {
    sample.frames = {{described.chunk.rgb.data(), sample.num_frames}};
  }
  if (!described.keypoints.empty()) sample.members = {{"kpts.npy", described.keypoints}};
  sample.metadata = described.metadata;
  return writer_->Add(sample);
}

absl::Status SampleSink::AddCopy(const SourceVideo& video, const ShardFile& from, int64_t index) {
  SLIMREEL_RETURN_IF_ERROR(from.Verify(index));
  const IndexSample facts = from.index().sample(index);
  Sample sample;
  sample.key = SampleKey(video.key, facts.origin.chunk);
  sample.source = video.source.path;
  sample.label = video.label;
  sample.origin = facts.origin;
  sample.height = facts.height;
  sample.width = facts.width;
  sample.num_frames = facts.num_frames;
  if (from.Find(index, MemberKind::kFrames, 0).ok()) {
    SLIMREEL_ASSIGN_OR_RETURN(const FramesView frames, from.Frames(index));
    sample.frames = {{frames.data, frames.num_frames}};
  }
  if (const auto member = from.Find(index, MemberKind::kKeypoints, 0); member.ok()) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::string_view keypoints, from.Content(index, *member));
    sample.members = {{"kpts.npy", keypoints}};
  }
  SLIMREEL_ASSIGN_OR_RETURN(sample.metadata, MetadataOf(from, index));
  return writer_->Add(sample);
}

}  // namespace slimreel
