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
#include "data/pipeline/claimed_inputs.h"
#include "data/pipeline/ordered_queue.h"
#include "data/pipeline/prepare_log.h"
#include "data/pipeline/prepare_outcomes.h"
#include "data/pipeline/prior_work.h"
#include "data/pipeline/sample_sink.h"
#include "data/pipeline/shared_info.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/part_inputs.h"

namespace slimreel {
namespace {

ChunkRule RuleOf(const DataOptions& data) {
  return {data.max_video_frames, data.chunk_overlap, data.ResolvedMinChunkFrames()};
}

// The samples of earlier runs stand for the video.
struct TakeOver {};
// What workers hand over: a chunk, or at the end how the video went.
using WorkItem = std::variant<DescribedChunk, TakeOver, absl::StatusOr<VideoOutcome>>;

class Preparation {
 public:
  // All must outlive the object.
  Preparation(const PrepareOptions& options, const PreparedInputs& inputs,
              const SplitFolder& folder, const ReuseLimits& limits)
      : options_(options),
        inputs_(inputs),
        folder_(&folder),
        limits_(limits),
        prior_(folder, inputs_.videos, inputs_.other_paths, inputs_.recipe, RuleOf(options.data),
               limits, options.interrupted),
        plan_(prior_.plan()),
        outcomes_(inputs_, prior_) {}

  // Where must_restart() holds afterwards, the result is to be made again under limits():
  // earlier work turned out to be other than it seemed. Nothing is lost by that.
  absl::StatusOr<PrepareSummary> Run();
  bool must_restart() const { return must_restart_; }
  const ReuseLimits& limits() const { return limits_; }

 private:
  absl::Status CheckNothingIsLost() const;
  absl::Status TryAgain(size_t video);
  absl::Status Restart() {
    must_restart_ = true;
    return absl::AbortedError("earlier work does not hold");
  }
  bool IsStanding(const DescribedChunk& chunk) const;
  absl::Status Begin();
  absl::Status WriteAll();
  void Work(OrderedQueue<WorkItem>* queue) const;
  WorkItem WorkOn(size_t video, const ChunkVideoOptions& options,
                  const std::function<bool()>& interrupted, const ChunkSink& sink) const;
  bool CanTakeOver(size_t video) const;
  absl::Status Take(OrderedQueue<WorkItem>* queue);
  absl::Status TakeItem(size_t video, WorkItem item);
  absl::Status TakeChunk(size_t video, const DescribedChunk& chunk);
  absl::Status CopySamples(size_t video);
  absl::Status Finish(size_t video, VideoOutcome outcome);
  // Of the first video that is not done, chunks may stand already.
  int64_t StandingChunks(size_t video) const {
    return static_cast<int64_t>(video) == plan_.done_videos ? plan_.open_chunks : 0;
  }
  bool Interrupted() const { return options_.interrupted && options_.interrupted(); }
  bool IsEmptyPart(const SplitCounts& counts) const;
  absl::StatusOr<PrepareSummary> End();
  absl::Status Publish();
  std::vector<PlacedShard> Shards() const;
  SplitCounts Counts() const;
  void Progress() const;
  ChunkVideoOptions VideoOptions() const;

  const PrepareOptions& options_;
  const PreparedInputs& inputs_;
  const SplitFolder* const folder_;
  ReuseLimits limits_;
  bool must_restart_ = false;
  PriorWork prior_;
  const ReusePlan& plan_;
  PrepareOutcomes outcomes_;
  std::unique_ptr<PrepareLog> log_;
  std::unique_ptr<SampleSink> sink_;
  bool listed_ = false;  // a reader may be using what stands: write aside
  int64_t frames_ = 0;
};

absl::StatusOr<PrepareSummary> Preparation::Run() {
  absl::Status status = Interrupted() ? absl::CancelledError("stopped") : CheckNothingIsLost();
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  if (status.ok()) status = Begin();
  if (status.ok()) status = WriteAll();
  if (status.ok()) return End();
  if (must_restart_) return status;
  // The report of what was done; a full disk may well refuse it. The room of the unfinished
  // shard is given back before.
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

// What would go without a successor that stands for it.
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
        " that no preparation listed; they stay. Use another --output, or remove them first"));
  }
  if (const int64_t lost = prior_.num_lost_if_published(); lost > 0) {
    return WithExitCode(
        absl::FailedPreconditionError(absl::StrCat(
            lost, " videos of the input are not there now, and what ", output,
            " holds of them was prepared with other options, or from other files; it stays as it "
            "is. Bring them back, or take them out of the input")),
        ExitCode::kDataUnusable);
  }
  for (const std::string& unreadable : inputs_.unreadable_folders) {
    for (const LoggedVideo& video : prior_.removed()) {
      if (!absl::StartsWith(video.path, unreadable + "/")) continue;
      return WithExitCode(
          absl::FailedPreconditionError(absl::StrCat(
              unreadable, " cannot be read now, and ", output, " holds videos of it (", video.path,
              "); it stays as it is. Give this user the right to the folder, or take it out of the "
              "input")),
          ExitCode::kDataUnusable);
    }
  }
  return absl::OkStatus();
}

// Opens what is written to; what stands already counts as done.
absl::Status Preparation::Begin() {
  SLIMREEL_ASSIGN_OR_RETURN(listed_, IsListed(folder_->id()));
  const bool all_done = plan_.done_videos == static_cast<int64_t>(inputs_.videos.size());
  // Beside the shards of a split that is not listed, the log says that they are not all.
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
    if (plan_.plans[video] == VideoPlan::kTryAgain) {
      SLIMREEL_RETURN_IF_ERROR(TryAgain(video));
      continue;
    }
    outcomes_.FinishUnchanged(video);
    Progress();
  }
  return absl::OkStatus();
}

// Samples of it would come before some that stand: then those cannot stay in place.
absl::Status Preparation::TryAgain(size_t video) {
  bool gives_samples = false;
  const ChunkSink sink = [&gives_samples](const DescribedChunk&) {
    gives_samples = true;
    return absl::CancelledError("it gives samples");
  };
  WorkItem item = WorkOn(
      video, VideoOptions(), [this] { return Interrupted(); }, sink);
  if (gives_samples) {
    limits_.giving_samples.insert(video);
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
  // Samples must hold something; and who asks for keypoints has no use for videos without.
  const bool required = options_.data.load_kpt.value_or(!video.keep_frames);
  video.keypoints = required                             ? KeypointUse::kRequired
                    : options_.data.load_kpt.has_value() ? KeypointUse::kIgnored
                                                         : KeypointUse::kWhereThere;
  video.chunker.rule = RuleOf(options_.data);
  // Half for chunks in the making, half for the queue. A worker has one in the making, and for
  // as long as that is shorter than min_frames the one before it.
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

absl::Status Preparation::WriteAll() {
  if (sink_ == nullptr) return absl::OkStatus();
  const int64_t count = static_cast<int64_t>(inputs_.videos.size()) - plan_.done_videos;
  // What waits on the disk is bounded too: chunks that workers are ahead with.
  OrderedQueue<WorkItem> queue(
      count, {.memory = options_.memory_bytes / 2, .disk = 2 * options_.memory_bytes});
  std::vector<std::thread> workers;
  try {
    for (int i = 0; i < std::max(1, options_.num_workers); ++i) {
      workers.emplace_back([this, &queue] { Work(&queue); });
    }
  } catch (const std::system_error&) {
    // Those that could be started do the work.
  }
  absl::Status status =
      workers.empty() ? MachineError("no thread can be started (ulimit -u)") : Take(&queue);
  queue.Close();
  for (std::thread& worker : workers) worker.join();
  if (status.ok() && Interrupted()) status = absl::CancelledError("stopped");
  if (status.ok()) status = sink_->Finish();
  return status;
}

void Preparation::Work(OrderedQueue<WorkItem>* queue) const {
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
        WorkOn(static_cast<size_t>(plan_.done_videos + *claimed), options, interrupted, sink);
    const auto* outcome = std::get_if<absl::StatusOr<VideoOutcome>>(&item);
    const bool failed = outcome != nullptr && !outcome->ok();
    if (!queue->Push(*claimed, std::move(item), {}, true) || failed) return;
  }
}

// One file's fault is not the job's, whatever it is; the machine's is.
WorkItem Preparation::WorkOn(size_t video, const ChunkVideoOptions& options,
                             const std::function<bool()>& interrupted,
                             const ChunkSink& sink) const {
  const SourceFiles& source = inputs_.videos[video].source;
  if (plan_.plans[video] == VideoPlan::kGivesNone || CanTakeOver(video)) return TakeOver();
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

// Damaged samples are made anew.
bool Preparation::CanTakeOver(size_t video) const {
  if (plan_.plans[video] != VideoPlan::kTakeOver) return false;
  for (int64_t i = plan_.first[video]; i < plan_.first[video + 1]; ++i) {
    const SampleAt at = plan_.samples[static_cast<size_t>(i)];
    if (!prior_.file(at.shard).Verify(at.sample).ok()) return false;
  }
  return true;
}

absl::Status Preparation::Take(OrderedQueue<WorkItem>* queue) {
  Progress();
  while (auto popped = queue->Pop()) {
    if (Interrupted()) return absl::CancelledError("stopped");
    SLIMREEL_RETURN_IF_ERROR(TakeItem(static_cast<size_t>(plan_.done_videos + popped->first),
                                      std::move(popped->second)));
  }
  return absl::OkStatus();
}

absl::Status Preparation::TakeItem(size_t video, WorkItem item) {
  if (const auto* chunk = std::get_if<DescribedChunk>(&item)) return TakeChunk(video, *chunk);
  if (std::holds_alternative<TakeOver>(item)) {
    SLIMREEL_RETURN_IF_ERROR(CopySamples(video));
    outcomes_.FinishUnchanged(video);
    Progress();
    return absl::OkStatus();
  }
  absl::StatusOr<VideoOutcome>& outcome = std::get<absl::StatusOr<VideoOutcome>>(item);
  SLIMREEL_RETURN_IF_ERROR(outcome.status());
  return Finish(video, *std::move(outcome));
}

absl::Status Preparation::TakeChunk(size_t video, const DescribedChunk& chunk) {
  outcomes_.SetOrigin(video, chunk.origin);
  if (chunk.chunk.number < StandingChunks(video)) {
    if (IsStanding(chunk)) return absl::OkStatus();
    limits_.keep_open_chunks = false;
    return Restart();
  }
  frames_ += static_cast<int64_t>(chunk.chunk.frames.size());
  Progress();
  return sink_->AddChunk(inputs_.videos[video], chunk);
}

// Whether the chunk that stands under its number is the same one, as far as that can be told.
bool Preparation::IsStanding(const DescribedChunk& chunk) const {
  const IndexView& index = prior_.file(plan_.kept_shards.back()).index();
  const SampleOrigin standing = index.sample(index.num_samples() - 1).origin;
  return !chunk.chunk.last && standing.video == chunk.origin.video &&
         standing.keypoints == chunk.origin.keypoints;
}

absl::Status Preparation::CopySamples(size_t video) {
  for (int64_t i = plan_.first[video] + StandingChunks(video); i < plan_.first[video + 1]; ++i) {
    const SampleAt at = plan_.samples[static_cast<size_t>(i)];
    SLIMREEL_RETURN_IF_ERROR(
        sink_->AddCopy(inputs_.videos[video], prior_.file(at.shard), at.sample));
  }
  return absl::OkStatus();
}

absl::Status Preparation::Finish(size_t video, VideoOutcome outcome) {
  // Chunks that stand have a successor; a video that gives no more is another than it seemed.
  const int64_t standing = StandingChunks(video);
  if (standing > 0 && outcome.chunks <= standing) {
    limits_.keep_open_chunks = false;
    return Restart();
  }
  outcomes_.Finish(video, std::move(outcome));
  Progress();
  return outcomes_.IsWorthALine(video) ? log_->Add(outcomes_.LogEntry(video)) : absl::OkStatus();
}

void Preparation::Progress() const {
  if (!options_.on_progress || inputs_.videos.empty()) return;
  options_.on_progress({outcomes_.done(), static_cast<int64_t>(inputs_.videos.size()), frames_});
}

std::vector<PlacedShard> Preparation::Shards() const {
  std::vector<PlacedShard> shards;
  for (const int32_t kept : plan_.kept_shards) shards.push_back(prior_.placed(kept));
  if (sink_ == nullptr) return shards;
  for (const PublishedShard& shard : sink_->published()) {
    shards.push_back({shard.path, static_cast<int64_t>(shards.size()), listed_});
  }
  return shards;
}

SplitCounts Preparation::Counts() const {
  SplitCounts counts;
  for (const int32_t kept : plan_.kept_shards) {
    const ShardFile& file = prior_.file(kept);
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

// The new shards take the place of the old ones; dataset.json says so before and after.
absl::Status Preparation::Publish() {
  const SplitId& id = folder_->id();
  const std::vector<PlacedShard> shards = Shards();
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<SplitId> others, OtherDivisions(id));
  if (!others.empty() && !options_.replace_division) {
    return absl::FailedPreconditionError(absl::StrCat(
        options_.output, ": its split ", id.split, " was prepared ", DivisionName(others.front()),
        " meanwhile; what this run prepared is not added to it"));
  }
  if (listed_ && !(folder_->IsPublished(shards) && others.empty())) {
    SLIMREEL_RETURN_IF_ERROR(
        UpdateDatasetInfo(id, inputs_.info, std::nullopt, options_.interrupted));
  }
  SLIMREEL_RETURN_IF_ERROR(folder_->Publish(shards));
  for (const SplitId& other : others) {
    SLIMREEL_RETURN_IF_ERROR(RemoveFilesOf(other));
    SLIMREEL_RETURN_IF_ERROR(ForgetSplit(other, options_.interrupted));
  }
  if (id.part > 0) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool other_inputs, WritePartInputs(id.folder, id.split, id.part,
                                                                       id.num_parts, inputs_.all));
    // Parts that were joined before need a look at each other again.
    if (other_inputs) {
      SLIMREEL_RETURN_IF_ERROR(ForgetSplit({id.folder, id.split}, options_.interrupted));
    }
  }
  return UpdateDatasetInfo(id, inputs_.info, Counts(), options_.interrupted);
}

// A part may well be of none of few videos, or of damaged ones only; then the others can be joined
// with it all the same.
bool Preparation::IsEmptyPart(const SplitCounts& counts) const {
  return options_.part > 0 && counts.samples == 0 && !listed_ && !inputs_.all.empty() &&
         outcomes_.AllMayBeRemembered();
}

absl::StatusOr<PrepareSummary> Preparation::End() {
  const SplitCounts counts = Counts();
  // A split without samples is an error, and what stood before stays.
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
  if (prior_.has_shards_without_origin()) {
    summary.warnings.push_back(
        absl::StrCat(options_.output,
                     ": its shards were prepared by an earlier version and do not tell what they "
                     "were made of, so all videos were decoded again"));
  }
  return summary;
}

}  // namespace

absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(CheckPrepareOptions(options));
  QuietLibavLog();
  SLIMREEL_ASSIGN_OR_RETURN(const ClaimedInputs claimed, ClaimInputs(options));
  for (ReuseLimits limits;;) {
    Preparation preparation(options, claimed.inputs, *claimed.folder, limits);
    absl::StatusOr<PrepareSummary> summary = preparation.Run();
    if (!preparation.must_restart()) return summary;
    limits = preparation.limits();
  }
}

}  // namespace slimreel
