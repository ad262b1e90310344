#include "data/pipeline/prepare.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "data/decode/libav_handles.h"
#include "data/pipeline/chunk_video.h"
#include "data/pipeline/ordered_queue.h"
#include "data/pipeline/prepare_inputs.h"
#include "data/pipeline/prepare_report.h"
#include "data/pipeline/reuse_plan.h"
#include "data/pipeline/sample_key.h"
#include "data/pipeline/sample_sink.h"
#include "data/pipeline/shared_info.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

SplitId IdOf(const PrepareOptions& options) {
  return {options.output, options.split, options.part, options.num_parts};
}

// What workers hand over: a chunk, or at the end how the video went.
using WorkItem = std::variant<DescribedChunk, absl::StatusOr<VideoOutcome>>;

// Samples of replaced shards, by key.
struct PreviousSamples {
  std::unique_ptr<ShardDataset> shards;
  std::unordered_map<std::string, int64_t> by_key;
  std::unordered_map<std::string, InputRecord> records;  // by path

  // The record under which all samples of `input` are there; null: none.
  const InputRecord* Find(const InputRecord& input) const {
    const auto found = records.find(input.path);
    if (found == records.end() || !found->second.SameFile(input)) return nullptr;
    for (int64_t i = 0; i < found->second.outcome.chunks; ++i) {
      if (by_key.count(SampleKey(found->second.key, i)) == 0) return nullptr;
    }
    return &found->second;
  }
};

class Preparation {
 public:
  Preparation(const PrepareOptions& options, PreparedInputs inputs,
              std::unique_ptr<SplitFolder> folder)
      : options_(options), inputs_(std::move(inputs)), folder_(std::move(folder)) {}

  absl::StatusOr<PrepareSummary> Run();

 private:
  void FindRemoved(const RunState& state);
  absl::StatusOr<PrepareSummary> KeepAll(const RunState& state);
  absl::Status Begin(RunState state);
  void OpenPrevious();
  absl::Status WriteAll();
  void Work(OrderedQueue<WorkItem>* queue) const;
  absl::Status Take(OrderedQueue<WorkItem>* queue);
  absl::Status TakeItem(int64_t index, WorkItem item);
  absl::Status TakeOver(int64_t index, const InputRecord& known);
  bool Interrupted() const { return options_.interrupted && options_.interrupted(); }
  PrepareSummary Summary(const RunState& state) const;
  absl::StatusOr<PrepareSummary> End(const RunState& state);
  absl::Status WriteInfo(const RunState& state);
  void Progress() const;
  ChunkVideoOptions VideoOptions() const;

  const PrepareOptions& options_;
  PreparedInputs inputs_;
  std::unique_ptr<SplitFolder> folder_;
  Adoption adopted_;
  PreviousSamples previous_;
  // By input: what an earlier run knows and this one need not decode.
  std::vector<const InputRecord*> known_;
  std::unique_ptr<SampleSink> sink_;
  std::vector<ReportLine> report_;
  std::vector<ReportLine> removed_;
  int64_t frames_ = 0;
};

absl::StatusOr<PrepareSummary> Preparation::Run() {
  RunState state = LoadRunState(folder_->state_path());
  FindRemoved(state);
  if (state.fingerprint != inputs_.info.fingerprint) state = RunState();
  folder_->DropMissing(&state);
  if (NothingChanged(inputs_.videos, state)) return KeepAll(state);
  SLIMREEL_RETURN_IF_ERROR(Begin(std::move(state)));
  absl::Status status = WriteAll();
  if (!status.ok()) {
    // The report of what was done; a full disk may well refuse it. The room of
    // the unfinished shard is given back before.
    sink_.reset();
    WriteReport(folder_->report_path(), report_).IgnoreError();
    if (absl::IsCancelled(status)) {
      return StoppedError(
          absl::StrCat(options_.output, ": stopped; complete shards are kept, run again to go on"));
    }
    return absl::Status(
        status.code(),
        absl::StrCat(status.message(), "; complete shards are kept, run again to go on"));
  }
  return End(sink_->state());
}

// A run that was killed while it replaced shards knows a part of what stood before; the rest
// is known to the state beside the replaced ones.
void Preparation::FindRemoved(const RunState& state) {
  std::unordered_set<std::string> seen;
  for (const RunState& earlier : {state, LoadRunState(folder_->previous_state_path())}) {
    for (const InputRecord& input : earlier.finished) {
      if (inputs_.paths.count(input.path) > 0 || !seen.insert(input.path).second) continue;
      removed_.push_back({input, /*unchanged=*/false, /*removed=*/true});
    }
  }
}

absl::StatusOr<PrepareSummary> Preparation::KeepAll(const RunState& state) {
  for (const InputRecord& input : state.finished) report_.push_back({input, /*unchanged=*/true});
  return End(state);
}

// Decides what stays, makes room for the rest and starts the log.
absl::Status Preparation::Begin(RunState state) {
  adopted_ = AdoptShards(inputs_.videos, state);
  const bool reuse = state.fingerprint == inputs_.info.fingerprint;
  // From here on the folder is not what dataset.json says.
  SLIMREEL_RETURN_IF_ERROR(WriteInfo(RunState()));
  SLIMREEL_RETURN_IF_ERROR(folder_->MakeRoom(state, adopted_.shards, reuse));
  OpenPrevious();
  std::unordered_map<std::string, const InputRecord*> finished;
  for (const InputRecord& record : state.finished) {
    finished.emplace(record.path, &record);
    previous_.records.emplace(record.path, record);
  }
  RunState kept;
  kept.fingerprint = inputs_.info.fingerprint;
  kept.shards.assign(state.shards.begin(), state.shards.begin() + adopted_.shards);
  for (int64_t i = 0; i < static_cast<int64_t>(inputs_.videos.size()); ++i) {
    const InputRecord& input = inputs_.videos[i];
    known_.push_back(previous_.Find(input));
    if (i >= adopted_.inputs) continue;
    kept.finished.push_back(*finished.at(input.path));
    report_.push_back({kept.finished.back(), true});
  }
  ShardWriterOptions writing;
  writing.folder = options_.output;
  writing.split = options_.split;
  writing.part = options_.part;
  writing.num_parts = options_.num_parts;
  writing.shard_size_bytes = options_.data.shard_size;
  SLIMREEL_ASSIGN_OR_RETURN(sink_,
                            SampleSink::Create(writing, std::move(kept), folder_->state_path()));
  return absl::OkStatus();
}

// Damaged or absent: then there is nothing to take over, and it is decoded again.
void Preparation::OpenPrevious() {
  const RunState state = LoadRunState(folder_->previous_state_path());
  if (state.fingerprint != inputs_.info.fingerprint) return;
  for (const InputRecord& record : state.finished) previous_.records.emplace(record.path, record);
  auto shards = ShardDataset::Open(folder_->previous_folder(), options_.split);
  if (!shards.ok()) return;
  previous_.shards = *std::move(shards);
  for (int64_t i = 0; i < previous_.shards->num_samples(); ++i) {
    previous_.by_key.emplace(previous_.shards->sample(i).key, i);
  }
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
  video.chunker.max_frames = options_.data.max_video_frames;
  video.chunker.overlap = options_.data.chunk_overlap;
  // Half for chunks in the making (one a worker, two while one is cut), half for the queue.
  video.chunker.memory_bytes = options_.memory_bytes / (4 * std::max(1, options_.num_workers));
  video.chunker.spill_folder = options_.output;
  return video;
}

absl::Status Preparation::WriteAll() {
  const int64_t count = inputs_.videos.size() - adopted_.inputs;
  OrderedQueue<WorkItem> queue(count, options_.memory_bytes / 2);
  std::vector<std::thread> workers;
  for (int i = 0; i < std::max(1, options_.num_workers); ++i) {
    workers.emplace_back([this, &queue] { Work(&queue); });
  }
  absl::Status status = Take(&queue);
  queue.Close();
  for (std::thread& worker : workers) worker.join();
  if (status.ok() && Interrupted()) status = absl::CancelledError("stopped");
  if (status.ok()) status = sink_->Finish();
  return status;
}

void Preparation::Work(OrderedQueue<WorkItem>* queue) const {
  const ChunkVideoOptions video = VideoOptions();
  const auto interrupted = [this, queue] { return queue->closed() || Interrupted(); };
  while (const std::optional<int64_t> claimed = queue->Claim()) {
    const int64_t index = adopted_.inputs + *claimed;
    absl::StatusOr<VideoOutcome> outcome = VideoOutcome();
    if (known_[index] == nullptr) {
      outcome = ChunkVideo(inputs_.videos[index].path, video, interrupted,
                           [queue, claimed](DescribedChunk chunk) {
                             const int64_t bytes = chunk.chunk.rgb.memory_in_use();
                             return queue->Push(*claimed, std::move(chunk), bytes, false)
                                        ? absl::OkStatus()
                                        : absl::CancelledError("the queue was closed");
                           });
    }
    const bool failed = !outcome.ok();
    if (!queue->Push(*claimed, WorkItem(std::move(outcome)), 0, true) || failed) return;
  }
}

absl::Status Preparation::Take(OrderedQueue<WorkItem>* queue) {
  Progress();
  while (auto popped = queue->Pop()) {
    if (Interrupted()) return absl::CancelledError("stopped");
    SLIMREEL_RETURN_IF_ERROR(TakeItem(adopted_.inputs + popped->first, std::move(popped->second)));
  }
  return absl::OkStatus();
}

absl::Status Preparation::TakeItem(int64_t index, WorkItem item) {
  const InputRecord& input = inputs_.videos[index];
  // Of the first input, chunks may stand already.
  const int64_t stand = index == adopted_.inputs ? adopted_.open_chunks : 0;
  if (const auto* chunk = std::get_if<DescribedChunk>(&item)) {
    if (chunk->chunk.number < stand) return absl::OkStatus();
    frames_ += chunk->chunk.frames.size();
    Progress();
    return sink_->AddChunk(input, *chunk);
  }
  if (known_[index] != nullptr) return TakeOver(index, *known_[index]);
  SLIMREEL_RETURN_IF_ERROR(std::get<1>(item).status());
  InputRecord record = input;
  record.outcome = *std::get<1>(std::move(item));
  report_.push_back({record, false});
  Progress();
  return sink_->FinishInput(record);
}

absl::Status Preparation::TakeOver(int64_t index, const InputRecord& known) {
  InputRecord record = inputs_.videos[index];
  record.outcome = known.outcome;
  const int64_t first = index == adopted_.inputs ? adopted_.open_chunks : 0;
  for (int64_t i = first; i < known.outcome.chunks; ++i) {
    const int64_t sample = previous_.by_key.at(SampleKey(known.key, i));
    SLIMREEL_RETURN_IF_ERROR(sink_->AddCopy(record, i, *previous_.shards, sample));
  }
  report_.push_back({record, true});
  Progress();
  return sink_->FinishInput(record);
}

void Preparation::Progress() const {
  if (!options_.on_progress || inputs_.videos.empty()) return;
  options_.on_progress(
      {static_cast<int64_t>(report_.size()), static_cast<int64_t>(inputs_.videos.size()), frames_});
}

absl::Status Preparation::WriteInfo(const RunState& state) {
  SplitCounts counts;
  for (const ShardRecord& shard : state.shards) {
    ++counts.shards;
    counts.samples += shard.keys.size();
    counts.frames += shard.frames;
    counts.bytes += shard.bytes;
  }
  for (const InputRecord& input : state.finished) {
    if (input.outcome.chunks == 0) continue;
    ++counts.videos;
    if (input.keypoint_bytes >= 0) ++counts.keypoint_videos;
  }
  return UpdateDatasetInfo(IdOf(options_), inputs_.info, counts, options_.interrupted);
}

// "none of 12 videos gave a sample: a.mp4: not_media; b.mp4: quality; ...".
absl::Status NoSampleError(const PrepareOptions& options, const std::vector<ReportLine>& lines,
                           const std::string& report) {
  constexpr size_t kShown = 3;
  std::string why = absl::StrCat("no videos found in ", absl::StrJoin(options.inputs, ", "));
  if (!lines.empty()) {
    why = absl::StrCat("none of ", lines.size(), " videos gave a sample: ");
    for (size_t i = 0; i < std::min(kShown, lines.size()); ++i) {
      const InputRecord& input = lines[i].input;
      absl::StrAppend(&why, i == 0 ? "" : "; ", input.path, ": ", input.outcome.reason);
    }
    if (lines.size() > kShown) absl::StrAppend(&why, "; and ", lines.size() - kShown, " more");
    absl::StrAppend(&why, ". All reasons are in ", report);
  }
  return WithExitCode(absl::FailedPreconditionError(why), ExitCode::kDataUnusable);
}

PrepareSummary Preparation::Summary(const RunState& state) const {
  PrepareSummary summary;
  summary.classes = inputs_.info.classes;
  summary.warnings = inputs_.warnings;
  summary.report = folder_->report_path();
  summary.removed = removed_.size();
  for (const ReportLine& line : report_) {
    const VideoOutcome& outcome = line.input.outcome;
    ++summary.videos[line.unchanged ? "unchanged" : outcome.status];
    if (!outcome.reason.empty()) ++summary.reasons[outcome.reason];
    if (line.input.label >= 0 || outcome.chunks == 0) continue;
    ++summary.unlabelled_videos;
    summary.unlabelled_samples += outcome.chunks;
  }
  for (const ShardRecord& shard : state.shards) {
    ++summary.shards;
    summary.samples += shard.keys.size();
    summary.frames += shard.frames;
    summary.bytes += shard.bytes;
  }
  return summary;
}

absl::StatusOr<PrepareSummary> Preparation::End(const RunState& state) {
  SLIMREEL_RETURN_IF_ERROR(folder_->RemoveStale(state));
  SLIMREEL_RETURN_IF_ERROR(WriteInfo(state));
  std::vector<ReportLine> lines = report_;
  lines.insert(lines.end(), removed_.begin(), removed_.end());
  SLIMREEL_RETURN_IF_ERROR(WriteReport(folder_->report_path(), lines));
  if (sink_ != nullptr) SLIMREEL_RETURN_IF_ERROR(sink_->Complete());
  PrepareSummary summary = Summary(state);
  if (summary.samples > 0) return summary;
  return NoSampleError(options_, report_, summary.report);
}

absl::Status CheckOptions(const PrepareOptions& options) {
  if (options.inputs.empty()) {
    return absl::InvalidArgumentError(
        "--input is missing: give folders, lists of `path label` lines or videos");
  }
  if (options.output.empty()) return absl::InvalidArgumentError("--output=DIR is missing");
  if (options.split != "train" && options.split != "val" && options.split != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split=", options.split, " is none of train, val, test"));
  }
  if (options.data.fps.has_value() || options.data.frame_codec != FrameCodec::kRaw) {
    return absl::UnimplementedError("data.fps and data.frame_codec=jpeg are not yet available");
  }
  if (!options.data.load_rgb.value_or(true) && !options.data.load_kpt.value_or(true)) {
    return absl::InvalidArgumentError(
        "data.load_rgb and data.load_kpt are both false: samples would hold nothing");
  }
  if (!options.data.load_rgb.value_or(true) && options.data.quality_threshold > 0) {
    return absl::InvalidArgumentError(
        "data.quality_threshold judges frames, which data.load_rgb=false does not look at");
  }
  return options.data.Validate();
}

// What a run works on, once its claim stands.
struct ClaimedInputs {
  PreparedInputs inputs;
  std::unique_ptr<SplitFolder> folder;
};

// Lists the inputs without the lock, for which other splits wait: so mistakes in them are told
// before a folder is made. Lists them again where a look under the lock shows that another
// split has claimed or published something meanwhile.
absl::StatusOr<ClaimedInputs> ClaimInputs(const PrepareOptions& options) {
  const SplitId id = IdOf(options);
  ClaimedInputs claimed;
  SLIMREEL_ASSIGN_OR_RETURN(OtherSplits others, PublishedOtherSplits(id));
  for (;;) {
    SLIMREEL_ASSIGN_OR_RETURN(claimed.inputs, CollectInputs(options, others));
    SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock,
                              LockDatasetInfo(id, options.interrupted));
    if (claimed.folder == nullptr) {
      SLIMREEL_ASSIGN_OR_RETURN(claimed.folder, SplitFolder::Open(id));
    }
    SLIMREEL_ASSIGN_OR_RETURN(OtherSplits now, PublishedAndClaimedOtherSplits(id));
    if (now == others) {
      SLIMREEL_RETURN_IF_ERROR(ClaimSplit(id, claimed.inputs.info, claimed.folder.get()));
      return claimed;
    }
    others = std::move(now);
  }
}

}  // namespace

absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(CheckOptions(options));
  QuietLibavLog();
  SLIMREEL_ASSIGN_OR_RETURN(ClaimedInputs claimed, ClaimInputs(options));
  return Preparation(options, std::move(claimed.inputs), std::move(claimed.folder)).Run();
}

}  // namespace slimreel
