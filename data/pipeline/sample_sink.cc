#include "data/pipeline/sample_sink.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "data/pipeline/sample_key.h"

namespace slimreel {

absl::StatusOr<std::unique_ptr<SampleSink>> SampleSink::Create(const ShardWriterOptions& options,
                                                               RunState state,
                                                               const std::string& state_path) {
  ShardWriterOptions writing = options;
  writing.first_shard = state.shards.size();
  SLIMREEL_ASSIGN_OR_RETURN(auto writer, ShardWriter::Create(writing));
  SLIMREEL_ASSIGN_OR_RETURN(auto log, RunLog::Start(state_path, state));
  return std::unique_ptr<SampleSink>(
      new SampleSink(std::move(writer), std::move(log), std::move(state)));
}

absl::Status SampleSink::AddChunk(const InputRecord& input, const DescribedChunk& described) {
  Sample sample;
  sample.key = SampleKey(input.key, described.chunk.number);
  sample.height = described.size.height;
  sample.width = described.size.width;
  sample.num_frames = static_cast<int64_t>(described.chunk.frames.size());
  if (described.chunk.rgb.data() != nullptr) {
    sample.frames = {{described.chunk.rgb.data(), sample.num_frames}};
  }
  if (!described.keypoints.empty()) sample.members = {{"kpts.npy", described.keypoints}};
  sample.metadata = described.metadata;
  return Add(input, std::move(sample));
}

absl::Status SampleSink::AddCopy(const InputRecord& input, int64_t number, const ShardDataset& from,
                                 int64_t index) {
  SLIMREEL_RETURN_IF_ERROR(from.Verify(index));
  const SampleInfo info = from.sample(index);
  Sample sample;
  sample.key = SampleKey(input.key, number);
  sample.height = info.height;
  sample.width = info.width;
  sample.num_frames = info.num_frames;
  if (from.Has(index, MemberKind::kFrames)) {
    SLIMREEL_ASSIGN_OR_RETURN(const FramesView frames, from.Frames(index));
    sample.frames = {{frames.data, frames.num_frames}};
  }
  if (from.Has(index, MemberKind::kKeypoints)) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::string_view keypoints,
                              from.Member(index, MemberKind::kKeypoints));
    sample.members = {{"kpts.npy", keypoints}};
  }
  SLIMREEL_ASSIGN_OR_RETURN(sample.metadata, from.Metadata(index));
  return Add(input, std::move(sample));
}

absl::Status SampleSink::Add(const InputRecord& input, Sample sample) {
  sample.source = input.path;
  sample.label = input.label;
  const std::string key = sample.key;
  // Adding may publish the shard before this sample; then what is open is the
  // input of the last sample in it, which open_input_ still is.
  SLIMREEL_RETURN_IF_ERROR(writer_->Add(sample));
  SLIMREEL_RETURN_IF_ERROR(LogPublished(/*closed_by_end=*/false));
  pending_keys_.push_back(key);
  open_input_ = input;
  return absl::OkStatus();
}

absl::Status SampleSink::FinishInput(const InputRecord& input) {
  open_input_.reset();
  state_.finished.push_back(input);
  return log_->Add(input);
}

absl::Status SampleSink::Finish() {
  SLIMREEL_RETURN_IF_ERROR(writer_->Flush());
  return LogPublished(/*closed_by_end=*/true);
}

absl::Status SampleSink::LogPublished(bool closed_by_end) {
  for (; logged_ < writer_->published().size(); ++logged_) {
    const PublishedShard& published = writer_->published()[logged_];
    ShardRecord shard;
    shard.file = std::filesystem::path(published.path).filename();
    shard.bytes = published.bytes;
    shard.frames = published.num_frames;
    shard.closed_by_end = closed_by_end;
    shard.open_input = open_input_;
    for (int64_t i = 0; i < published.num_samples; ++i) {
      if (pending_keys_.empty())
        return absl::InternalError("a shard was published ahead of its samples");
      shard.keys.push_back(std::move(pending_keys_.front()));
      pending_keys_.pop_front();
    }
    SLIMREEL_RETURN_IF_ERROR(log_->Add(shard));
    state_.shards.push_back(std::move(shard));
  }
  return absl::OkStatus();
}

}  // namespace slimreel
