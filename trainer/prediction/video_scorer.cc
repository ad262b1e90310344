#include "trainer/prediction/video_scorer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "data/loading/clip_sampler.h"
#include "memory/executor/executor.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/evaluation/scores.h"
#include "trainer/prediction/kept_frames.h"

namespace slimreel {

VideoScorer::VideoScorer(const Model& model, const PredictOptions& options, const std::string& path)
    : options_(options),
      path_(path),
      chain_(model.Chain()),
      rule_{options.preparation.max_video_frames, options.preparation.chunk_overlap,
            options.preparation.min_chunk_frames},
      crop_{.width = model.clip.width, .height = model.clip.height},
      clip_frames_(model.clip.num_frames),
      held_(crop_.height, crop_.width) {}

absl::StatusOr<VideoScores> VideoScorer::ScoreChunks() {
  SLIMREEL_ASSIGN_OR_RETURN(KeptFrames video, KeptFrames::Open(path_, crop_, options_));
  Chunk chunk;
  int64_t chunks = 0;
  const auto score_chunk = [&] {
    for (int64_t number = 0; number < options_.evaluation.num_clips; ++number) {
      Score(chunks * options_.evaluation.num_clips + number, FramesOfClip(chunk, number));
    }
    ++chunks;
  };
  for (;;) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, video.Next());
    if (!more) break;
    if (rule_.IsFull(chunk.frames)) {
      score_chunk();
      chunk = {.first = chunk.first + chunk.frames - rule_.overlap, .frames = rule_.overlap};
      held_.DropBefore(chunk.first);
    }
    video.CopyCrop(held_.Add(chunk.first + chunk.frames));
    ++chunk.frames;
  }
  if (rule_.KeepsRest(chunk.frames, chunks)) score_chunk();
  scores_.frames = video.num_decoded();
  scores_.partial = video.Partial();
  return std::move(scores_);
}

absl::StatusOr<VideoScores> VideoScorer::ScoreClips(int64_t clips_at_once) {
  SLIMREEL_ASSIGN_OR_RETURN(const int64_t kept, CountKept());
  const std::vector<Chunk> chunks = CutChunks(kept);
  const int64_t num_clips = options_.evaluation.num_clips;
  for (int64_t first = 0; first < num_clips && !StopRequested(); first += clips_at_once) {
    SLIMREEL_RETURN_IF_ERROR(ScoreGroup(chunks, first, std::min(first + clips_at_once, num_clips)));
  }
  return std::move(scores_);
}

absl::StatusOr<int64_t> VideoScorer::CountKept() {
  SLIMREEL_ASSIGN_OR_RETURN(KeptFrames video, KeptFrames::Open(path_, crop_, options_));
  int64_t kept = 0;
  for (;; ++kept) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, video.Next());
    if (!more) break;
  }
  scores_.frames = video.num_decoded();
  scores_.partial = video.Partial();
  return kept;
}

// As ScoreChunks cuts while it reads.
std::vector<VideoScorer::Chunk> VideoScorer::CutChunks(int64_t kept) const {
  std::vector<Chunk> chunks;
  int64_t first = 0;
  for (; kept - first > rule_.max_frames; first += rule_.max_frames - rule_.overlap) {
    chunks.push_back({first, rule_.max_frames});
  }
  if (rule_.KeepsRest(kept - first, static_cast<int64_t>(chunks.size()))) {
    chunks.push_back({first, kept - first});
  }
  return chunks;
}

// The clips `first` to `last - 1` of every chunk.
absl::Status VideoScorer::ScoreGroup(const std::vector<Chunk>& chunks, int64_t first,
                                     int64_t last) {
  SLIMREEL_ASSIGN_OR_RETURN(KeptFrames video, KeptFrames::Open(path_, crop_, options_));
  NeededFrames needed;
  std::vector<OpenClip> open;
  size_t begun = 0;  // chunks
  for (int64_t frame = 0; begun < chunks.size() || !open.empty(); ++frame) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, video.Next());
    if (!more && StopRequested()) return absl::OkStatus();
    if (!more) return absl::DataLossError(absl::StrCat(path_, " became shorter while it was read"));
    if (begun < chunks.size() && chunks[begun].first == frame) {
      for (int64_t number = first; number < last; ++number) {
        OpenClip clip{.id = static_cast<int64_t>(begun) * options_.evaluation.num_clips + number,
                      .frames = FramesOfClip(chunks[begun], number)};
        clip.last = *std::max_element(clip.frames.begin(), clip.frames.end());
        needed.AddClip(clip.frames);
        open.push_back(std::move(clip));
      }
      ++begun;
    }
    if (needed.Contains(frame)) video.CopyCrop(held_.Add(frame));
    std::erase_if(open, [&](const OpenClip& clip) {
      if (clip.last != frame) return false;
      Score(clip.id, clip.frames);
      for (const int64_t unneeded : needed.RemoveClip(clip.frames)) held_.Drop(unneeded);
      return true;
    });
  }
  return absl::OkStatus();
}

std::vector<int64_t> VideoScorer::FramesOfClip(const Chunk& chunk, int64_t number) const {
  const ClipShape shape{.num_frames = clip_frames_, .interval = options_.data.frame_interval};
  std::vector<int64_t> frames =
      UniformClip(shape, std::min(chunk.frames, options_.data.max_video_frames), number,
                  options_.evaluation.num_clips);
  for (int64_t& frame : frames) frame += chunk.first;
  return frames;
}

void VideoScorer::Score(int64_t id, const std::vector<int64_t>& frames) {
  if (StopRequested()) return;
  StageContext context;
  context.autocast = options_.autocast;
  Tensors inputs;  // moved, so that the clip is freed as soon as the first stage has read it
  inputs.push_back(held_.Clip(frames).to(options_.device));
  const TagScope scope(MemoryTag::kActivations);
  AddInOrder(id, HeadScores(Executor::Forward(chain_, context, std::move(inputs))));
}

void VideoScorer::AddInOrder(int64_t id, const at::Tensor& row) {
  const double* const values = row.const_data_ptr<double>();
  waiting_[id].assign(values, values + row.numel());
  for (auto it = waiting_.begin(); it != waiting_.end() && it->first == scores_.clips;
       it = waiting_.erase(it), ++scores_.clips) {
    scores_.sum.resize(it->second.size(), 0.0);
    for (size_t c = 0; c < it->second.size(); ++c) scores_.sum[c] += it->second[c];
  }
}

}  // namespace slimreel
