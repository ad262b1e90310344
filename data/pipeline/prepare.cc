#include "data/pipeline/prepare.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "data/chunking/chunk_video.h"
#include "data/decode/libav_handles.h"
#include "data/decode/media_error.h"
#include "data/pipeline/open_split.h"
#include "data/pipeline/ordered_queue.h"
#include "data/pipeline/prepare_log.h"
#include "data/pipeline/prepare_outcomes.h"
#include "data/pipeline/previous_results.h"
#include "data/pipeline/sample_sink.h"
#include "data/pipeline/shared_info.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/part_inputs.h"

namespace slimreel {
namespace {

ChunkRule RuleOf(const DataOptions& data) {
  return {data.max_video_frames, data.chunk_overlap, data.ResolvedMinChunkFrames()};
}

// The video's stored samples are reused, or it has none.
struct ReuseSamples {};
// What workers hand over: a chunk, or at the end the outcome of the video.
using WorkItem = std::variant<DescribedChunk, ReuseSamples, absl::StatusOr<VideoOutcome>>;

// One attempt to prepare a split, given the results of earlier preparations.
class Preparation {
 public:
  // All must outlive the object.
  Preparation(const PrepareOptions& options, const CollectedInputs& inputs,
              const SplitFolder& folder, const ReuseLimits& limits)
      : options_(options),
        inputs_(inputs),
        folder_(&folder),
        limits_(limits),
        previous_(folder, inputs_.videos, inputs_.other_paths, inputs_.recipe, RuleOf(options.data),
                  limits, options.interrupted),
        plan_(previous_.plan()),
        outcomes_(inputs_, previous_) {}

  // If must_restart() is true afterwards, earlier results turned out to be wrong: the caller makes
  // a new object with limits() and runs it. Nothing is lost.
  absl::StatusOr<PrepareSummary> Run();
  bool must_restart() const { return must_restart_; }
  const ReuseLimits& limits() const { return limits_; }

 private:
  absl::Status CheckNothingIsLost() const;
  absl::Status RetryVideo(size_t video);
  absl::Status Restart() {
    must_restart_ = true;
    return absl::AbortedError("earlier results do not hold");
  }
  bool MatchesKeptChunk(const DescribedChunk& chunk) const;
  absl::Status OpenOutputs();
  absl::Status DecodeAndWrite();
  void RunWorker(OrderedQueue<WorkItem>* queue) const;
  WorkItem ProcessVideo(size_t video, const ChunkVideoOptions& options,
                        const std::function<bool()>& interrupted, const ChunkSink& sink) const;
  bool SamplesAreIntact(size_t video) const;
  absl::Status WriteItems(OrderedQueue<WorkItem>* queue);
  absl::Status WriteItem(size_t video, WorkItem item);
  absl::Status WriteChunk(size_t video, const DescribedChunk& chunk);
  absl::Status CopySamples(size_t video);
  absl::Status Finish(size_t video, VideoOutcome outcome);
  // Chunks of the video that are in kept shards. Only the first video that is not done has some.
  int64_t KeptChunks(size_t video) const {
    return static_cast<int64_t>(video) == plan_.done_videos ? plan_.next_video_chunks : 0;
  }
  bool Interrupted() const { return options_.interrupted && options_.interrupted(); }
  bool IsEmptyPart(const SplitCounts& counts) const;
  absl::StatusOr<PrepareSummary> Finalize();
  absl::Status Publish();
  std::vector<ShardLocation> Shards() const;
  SplitCounts Counts() const;
  void Progress() const;
  ChunkVideoOptions VideoOptions() const;

  const PrepareOptions& options_;
  const CollectedInputs& inputs_;
  const SplitFolder* const folder_;
  ReuseLimits limits_;
  bool must_restart_ = false;
  PreviousResults previous_;
  const ReusePlan& plan_;
  PrepareOutcomes outcomes_;
  std::unique_ptr<PrepareLog> log_;
  std::unique_ptr<SampleSink> sink_;
  bool listed_ = false;  // a reader may be using the old shards: new ones go to the staging folder
  int64_t frames_ = 0;
};

absl::StatusOr<PrepareSummary> Preparation::Run() {
  absl::Status status = Interrupted() ? absl::CancelledError("stopped") : CheckNothingIsLost();
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  if (status.ok()) status = OpenOutputs();
  if (status.ok()) status = DecodeAndWrite();
  if (status.ok()) return Finalize();
  if (must_restart_) return status;
  // Reports the videos that are done. Frees the disk space of the unfinished shard first, because
  // the disk may be full; even so, the report may fail.
  sink_.reset();
  outcomes_.WriteReport(ReportPath(folder_->id()), /*removed=*/false).IgnoreError();
  if (absl::IsCancelled(status)) {
    return StoppedError(
        absl::StrCat(options_.output, ": stopped; complete shards are kept, run again to go on"));
  }
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(), "; complete shards are kept, run again to go on"));
}

// Refuses to start if it would lose shards that nothing replaces.
absl::Status Preparation::CheckNothingIsLost() const {
  SLIMREEL_ASSIGN_OR_RETURN(const bool listed, IsListed(folder_->id()));
  const std::string& output = options_.output;
  if (!listed) {
    std::error_code ignored;
    if (folder_->Shards().empty() ||
        std::filesystem::exists(PrepareLogPath(folder_->id()), ignored)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        output, " holds shards of ", options_.split,
        " that no preparation listed; they are kept. Use another --output, or remove them first"));
  }
  if (const int64_t lost = previous_.num_lost_if_published(); lost > 0) {
    return WithExitCode(
        absl::FailedPreconditionError(absl::StrCat(
            lost, " videos of the input are missing now, and their samples in ", output,
            " were prepared with other options or from other files. Nothing was changed. Restore "
            "the videos, or remove them from the input")),
        ExitCode::kDataUnusable);
  }
  for (const std::string& unreadable : inputs_.unreadable_folders) {
    for (const LoggedVideo& video : previous_.removed()) {
      if (!absl::StartsWith(video.path, unreadable + "/")) continue;
      return WithExitCode(
          absl::FailedPreconditionError(absl::StrCat(
              unreadable, " cannot be read now, and ", output, " holds videos of it (", video.path,
              "). Nothing was changed. Give this user permission to read the folder, or remove it "
              "from the input")),
          ExitCode::kDataUnusable);
    }
  }
  return absl::OkStatus();
}

// Opens the log and the shard writer; marks the videos in kept shards as done.
absl::Status Preparation::OpenOutputs() {
  SLIMREEL_ASSIGN_OR_RETURN(listed_, IsListed(folder_->id()));
  const bool all_done = plan_.done_videos == static_cast<int64_t>(inputs_.videos.size());
  // Beside shards that dataset.json does not list, the log tells that a preparation made them.
  SLIMREEL_ASSIGN_OR_RETURN(log_, PrepareLog::Open(PrepareLogPath(folder_->id())));
  ShardWriterOptions writing;
  writing.folder = listed_ ? StagingFolder(folder_->id()) : options_.output;
  writing.split = options_.split;
  writing.part = options_.part;
  writing.num_parts = options_.num_parts;
  writing.shard_size_bytes = options_.data.shard_size;
  writing.first_shard = static_cast<int64_t>(plan_.kept_shards.size());
  if (!all_done) {
    SLIMREEL_ASSIGN_OR_RETURN(sink_, SampleSink::Create(writing));
  }
  for (int64_t i = 0; i < plan_.done_videos; ++i) {
    const auto video = static_cast<size_t>(i);
    if (plan_.plans[video] == VideoPlan::kRetry) {
      SLIMREEL_RETURN_IF_ERROR(RetryVideo(video));
      continue;
    }
    outcomes_.FinishUnchanged(video);
    Progress();
  }
  return absl::OkStatus();
}

// Decodes a video that gave no sample before. If it gives one now, that sample belongs before
// samples in kept shards, which therefore cannot be kept: restarts.
absl::Status Preparation::RetryVideo(size_t video) {
  bool gives_samples = false;
  const ChunkSink sink = [&gives_samples](const DescribedChunk&) {
    gives_samples = true;
    return absl::CancelledError("the video gives samples");
  };
  WorkItem item = ProcessVideo(
      video, VideoOptions(), [this] { return Interrupted(); }, sink);
  if (gives_samples) {
    limits_.videos_to_decode.insert(video);
    return Restart();
  }
  absl::StatusOr<VideoOutcome>& outcome = std::get<absl::StatusOr<VideoOutcome>>(item);
  SLIMREEL_RETURN_IF_ERROR(outcome.status());
  return Finish(video, *std::move(outcome));
}

ChunkVideoOptions Preparation::VideoOptions() const {
  ChunkVideoOptions video;
  video.sizing.short_side = options_.data.native_size ? 0 : options_.data.ResolvedShortSide();
  video.quality_threshold = options_.data.quality_threshold;
  video.keep_frames = options_.data.load_rgb.value_or(true);
  // Without frames, a sample without keypoints would be empty.
  const bool required = options_.data.load_kpt.value_or(!video.keep_frames);
  video.keypoints = required                             ? KeypointUse::kRequired
                    : options_.data.load_kpt.has_value() ? KeypointUse::kIgnored
                                                         : KeypointUse::kIfPresent;
  video.chunker.rule = RuleOf(options_.data);
  // Half of the memory is for chunks in the making, half for the queue. A worker has one chunk in
  // the making. While that one is shorter than min_frames, it also holds the one before it.
  const ChunkRule& rule = video.chunker.rule;
  const double chunks = 1 + static_cast<double>(rule.min_frames) / rule.max_frames;
  video.chunker.memory_bytes = static_cast<int64_t>(
      options_.memory_bytes / (2 * std::max(1, options_.num_workers) * chunks));
  video.chunker.spill_folder = options_.output;
  video.waiting_bytes = options_.memory_bytes;
  video.recipe = inputs_.recipe;
  video.max_picture_bytes = options_.max_picture_bytes;
  video.max_keypoint_bytes = options_.max_picture_bytes;
  return video;
}

absl::Status Preparation::DecodeAndWrite() {
  if (sink_ == nullptr) return absl::OkStatus();
  const int64_t count = static_cast<int64_t>(inputs_.videos.size()) - plan_.done_videos;
  // Chunks that wait on the disk are bounded too.
  OrderedQueue<WorkItem> queue(
      count, {.memory = options_.memory_bytes / 2, .disk = 2 * options_.memory_bytes});
  std::vector<std::thread> workers;
  try {
    for (int i = 0; i < std::max(1, options_.num_workers); ++i) {
      workers.emplace_back([this, &queue] { RunWorker(&queue); });
    }
  } catch (const std::system_error&) {
    // The threads that did start do the work.
  }
  absl::Status status =
      workers.empty() ? MachineError("no thread can be started (ulimit -u)") : WriteItems(&queue);
  queue.Close();
  for (std::thread& worker : workers) worker.join();
  if (status.ok() && Interrupted()) status = absl::CancelledError("stopped");
  if (status.ok()) status = sink_->Finish();
  return status;
}

void Preparation::RunWorker(OrderedQueue<WorkItem>* queue) const {
  const ChunkVideoOptions options = VideoOptions();
  const auto interrupted = [this, queue] { return queue->closed() || Interrupted(); };
  while (const std::optional<int64_t> claimed = queue->Claim()) {
    const ChunkSink sink = [queue, claimed](DescribedChunk chunk) {
      const QueuedBytes bytes{chunk.chunk.rgb.memory_in_use(), chunk.chunk.rgb.disk_in_use()};
      return queue->Push(*claimed, std::move(chunk), bytes, false)
                 ? absl::OkStatus()
                 : absl::CancelledError("the queue was closed");
    };
    WorkItem item =
        ProcessVideo(static_cast<size_t>(plan_.done_videos + *claimed), options, interrupted, sink);
    const auto* outcome = std::get_if<absl::StatusOr<VideoOutcome>>(&item);
    const bool failed = outcome != nullptr && !outcome->ok();
    if (!queue->Push(*claimed, std::move(item), {}, true) || failed) return;
  }
}

// A fault of one file only rejects that video; a fault of the machine ends the preparation.
WorkItem Preparation::ProcessVideo(size_t video, const ChunkVideoOptions& options,
                                   const std::function<bool()>& interrupted,
                                   const ChunkSink& sink) const {
  const SourceFiles& source = inputs_.videos[video].source;
  if (plan_.plans[video] == VideoPlan::kNoSamples || SamplesAreIntact(video)) return ReuseSamples();
  try {
    return ChunkVideo(source, options, interrupted, sink);
  } catch (const std::bad_alloc&) {
    return MachineError(absl::StrCat(source.path,
                                     ": the machine has no memory left; lower --num_workers or "
                                     "memory.host_budget"));
  } catch (const std::exception& error) {
    VideoOutcome outcome;
    outcome.status = "rejected";
    outcome.reason = "internal";
    outcome.message = error.what();
    return outcome;
  }
}

// False if a sample is damaged: then the video is decoded again.
bool Preparation::SamplesAreIntact(size_t video) const {
  if (plan_.plans[video] != VideoPlan::kReuse) return false;
  for (int64_t i = plan_.first[video]; i < plan_.first[video + 1]; ++i) {
    const SampleRef at = plan_.samples[static_cast<size_t>(i)];
    if (!previous_.file(at.shard).Verify(at.sample).ok()) return false;
  }
  return true;
}

absl::Status Preparation::WriteItems(OrderedQueue<WorkItem>* queue) {
  Progress();
  while (auto popped = queue->Pop()) {
    if (Interrupted()) return absl::CancelledError("stopped");
    SLIMREEL_RETURN_IF_ERROR(WriteItem(static_cast<size_t>(plan_.done_videos + popped->first),
                                       std::move(popped->second)));
  }
  return absl::OkStatus();
}

absl::Status Preparation::WriteItem(size_t video, WorkItem item) {
  if (const auto* chunk = std::get_if<DescribedChunk>(&item)) return WriteChunk(video, *chunk);
  if (std::holds_alternative<ReuseSamples>(item)) {
    SLIMREEL_RETURN_IF_ERROR(CopySamples(video));
    outcomes_.FinishUnchanged(video);
    Progress();
    return absl::OkStatus();
  }
  absl::StatusOr<VideoOutcome>& outcome = std::get<absl::StatusOr<VideoOutcome>>(item);
  SLIMREEL_RETURN_IF_ERROR(outcome.status());
  return Finish(video, *std::move(outcome));
}

absl::Status Preparation::WriteChunk(size_t video, const DescribedChunk& chunk) {
  outcomes_.SetOrigin(video, chunk.origin);
  if (chunk.chunk.number < KeptChunks(video)) {
    if (MatchesKeptChunk(chunk)) return absl::OkStatus();
    limits_.keep_partial_videos = false;
    return Restart();
  }
  frames_ += static_cast<int64_t>(chunk.chunk.frames.size());
  Progress();
  return sink_->AddChunk(inputs_.videos[video], chunk);
}

// True if the kept chunk of the same number was made from the same files.
bool Preparation::MatchesKeptChunk(const DescribedChunk& chunk) const {
  const IndexView& index = previous_.file(plan_.kept_shards.back()).index();
  const SampleOrigin kept = index.sample(index.num_samples() - 1).origin;
  return !chunk.chunk.last && kept.video == chunk.origin.video &&
         kept.keypoints == chunk.origin.keypoints;
}

absl::Status Preparation::CopySamples(size_t video) {
  for (int64_t i = plan_.first[video] + KeptChunks(video); i < plan_.first[video + 1]; ++i) {
    const SampleRef at = plan_.samples[static_cast<size_t>(i)];
    SLIMREEL_RETURN_IF_ERROR(
        sink_->AddCopy(inputs_.videos[video], previous_.file(at.shard), at.sample));
  }
  return absl::OkStatus();
}

absl::Status Preparation::Finish(size_t video, VideoOutcome outcome) {
  // No kept chunk is the last one of its video. A video that gives no further chunk has changed.
  const int64_t kept = KeptChunks(video);
  if (kept > 0 && outcome.chunks <= kept) {
    limits_.keep_partial_videos = false;
    return Restart();
  }
  outcomes_.Finish(video, std::move(outcome));
  Progress();
  return outcomes_.BelongsInLog(video) ? log_->Add(outcomes_.LogEntry(video)) : absl::OkStatus();
}

void Preparation::Progress() const {
  if (!options_.on_progress || inputs_.videos.empty()) return;
  options_.on_progress({outcomes_.done(), static_cast<int64_t>(inputs_.videos.size()), frames_});
}

std::vector<ShardLocation> Preparation::Shards() const {
  std::vector<ShardLocation> shards;
  for (const int32_t kept : plan_.kept_shards) shards.push_back(previous_.location(kept));
  if (sink_ == nullptr) return shards;
  for (const PublishedShard& shard : sink_->published()) {
    shards.push_back({shard.path, static_cast<int64_t>(shards.size()), listed_});
  }
  return shards;
}

SplitCounts Preparation::Counts() const {
  SplitCounts counts;
  for (const int32_t kept : plan_.kept_shards) {
    const ShardFile& file = previous_.file(kept);
    ++counts.shards;
    counts.samples += file.index().num_samples();
    counts.bytes += static_cast<int64_t>(file.tar().bytes().size());
    for (int64_t i = 0; i < file.index().num_samples(); ++i) {
      counts.frames += file.index().sample(i).num_frames;
    }
  }
  if (sink_ != nullptr) {
    for (const PublishedShard& shard : sink_->published()) {
      ++counts.shards;
      counts.samples += shard.num_samples;
      counts.frames += shard.num_frames;
      counts.bytes += shard.bytes;
    }
  }
  outcomes_.CountVideos(&counts);
  return counts;
}

// Replaces the old shards by the new ones. dataset.json lists the split as unfinished meanwhile.
absl::Status Preparation::Publish() {
  const SplitId& id = folder_->id();
  const std::vector<ShardLocation> shards = Shards();
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<SplitId> others, OtherDivisions(id));
  if (!others.empty() && !options_.replace_division) {
    return absl::FailedPreconditionError(absl::StrCat(
        options_.output, ": another process prepared its split ", id.split, " ",
        DivisionName(others.front()),
        " meanwhile; the shards of this one are not added to it. Use another --output, or "
        "--replace_division to replace it"));
  }
  if (listed_ && !(folder_->IsPublished(shards) && others.empty())) {
    SLIMREEL_RETURN_IF_ERROR(
        UpdateDatasetInfo(id, inputs_.info, std::nullopt, options_.interrupted));
  }
  SLIMREEL_RETURN_IF_ERROR(folder_->Publish(shards));
  for (const SplitId& other : others) {
    SLIMREEL_RETURN_IF_ERROR(RemoveFilesOf(other));
    SLIMREEL_RETURN_IF_ERROR(RemoveSplitInfo(other, options_.interrupted));
  }
  if (id.part > 0) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool other_inputs, WritePartInputs(id.folder, id.split, id.part,
                                                                       id.num_parts, inputs_.all));
    // The joined split was made from other inputs: the parts must be joined again.
    if (other_inputs) {
      SLIMREEL_RETURN_IF_ERROR(RemoveSplitInfo({id.folder, id.split}, options_.interrupted));
    }
  }
  return UpdateDatasetInfo(id, inputs_.info, Counts(), options_.interrupted);
}

// A part may have no videos, or only damaged ones. It is published all the same, so that the other
// parts can be joined with it.
bool Preparation::IsEmptyPart(const SplitCounts& counts) const {
  return options_.part > 0 && counts.samples == 0 && !listed_ && !inputs_.all.empty() &&
         outcomes_.AllArePermanent();
}

absl::StatusOr<PrepareSummary> Preparation::Finalize() {
  const SplitCounts counts = Counts();
  // A split without samples is an error, and the earlier shards stay.
  const bool publish = counts.samples > 0 || IsEmptyPart(counts);
  if (publish) SLIMREEL_RETURN_IF_ERROR(Publish());
  const std::string report = ReportPath(folder_->id());
  SLIMREEL_RETURN_IF_ERROR(outcomes_.WriteReport(report, /*removed=*/publish));
  if (publish) SLIMREEL_RETURN_IF_ERROR(outcomes_.RewriteLog(PrepareLogPath(folder_->id())));
  if (counts.samples == 0 && !(publish && inputs_.videos.empty())) {
    return outcomes_.NoSampleError(options_.inputs, report);
  }
  PrepareSummary summary = outcomes_.Summary(counts);
  summary.report = report;
  if (previous_.has_shards_without_origin()) {
    summary.warnings.push_back(
        absl::StrCat(options_.output,
                     ": its shards were prepared by an earlier version, which did not store what "
                     "they were made of, so all videos were decoded again"));
  }
  return summary;
}

}  // namespace

absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(options.Validate());
  QuietLibavLog();
  SLIMREEL_ASSIGN_OR_RETURN(const OpenedSplit opened, OpenSplit(options));
  for (ReuseLimits limits;;) {
    Preparation preparation(options, opened.inputs, *opened.folder, limits);
    absl::StatusOr<PrepareSummary> summary = preparation.Run();
    if (!preparation.must_restart()) return summary;
    limits = preparation.limits();
  }
}

}  // namespace slimreel
