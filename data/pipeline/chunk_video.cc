#include "data/pipeline/chunk_video.h"

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/annotations/keypoint_file.h"
#include "data/decode/media_error.h"
#include "data/decode/video_decoder.h"
#include "data/pipeline/chunk_keypoints.h"

namespace slimreel {
namespace {

// Three decimals: enough for a score, and short.
double Rounded(double value) { return std::round(value * 1000) / 1000; }

// `track` may be null.
nlohmann::json Describe(const VideoDecoder& decoder, const Chunk& chunk, bool with_quality,
                        const KeypointTrack* track) {
  const VideoStream& stream = decoder.stream();
  const FrameSize upright = decoder.upright_size();
  nlohmann::json json = {{"chunk", chunk.number},
                         {"last_chunk", chunk.last},
                         {"codec", stream.codec},
                         {"pixel_format", stream.pixel_format},
                         {"color_range", stream.color_range},
                         {"color_matrix", stream.color_matrix},
                         {"rotation", decoder.rotation()},
                         {"time_base", {stream.time_base_num, stream.time_base_den}},
                         {"source_height", upright.height},
                         {"source_width", upright.width}};
  if (track != nullptr) {
    json["keypoints"] = {{"persons", track->persons}, {"joints", track->joints}};
  }
  nlohmann::json pts = nlohmann::json::array(), numbers = pts, keys = pts, scores = pts, blur = pts,
                 darkness = pts, flatness = pts;
  for (size_t i = 0; i < chunk.frames.size(); ++i) {
    const auto& [info, quality] = chunk.frames[i];
    pts.push_back(info.pts_us);
    numbers.push_back(info.number);
    if (info.key) keys.push_back(i);
    scores.push_back(Rounded(quality.score));
    blur.push_back(Rounded(quality.blur));
    darkness.push_back(Rounded(quality.darkness));
    flatness.push_back(Rounded(quality.flatness));
  }
  json["pts_us"] = std::move(pts);
  json["frame_numbers"] = std::move(numbers);
  json["key_frames"] = std::move(keys);
  if (!with_quality) return json;
  json["quality"] = {{"score", std::move(scores)},
                     {"blur", std::move(blur)},
                     {"darkness", std::move(darkness)},
                     {"flatness", std::move(flatness)}};
  return json;
}

VideoOutcome Rejected(std::string reason, std::string_view message) {
  VideoOutcome outcome;
  outcome.status = "rejected";
  outcome.reason = std::move(reason);
  outcome.message = std::string(message);
  return outcome;
}

std::string OrInternal(std::string reason) { return reason.empty() ? "internal" : reason; }

std::string_view View(absl::string_view text) { return {text.data(), text.size()}; }

std::string DamageText(const DecodeStats& stats) {
  std::vector<std::string> lines;
  if (stats.truncated) lines.push_back("the file breaks off: what follows is missing");
  const auto count = [&lines](int64_t number, absl::string_view what) {
    if (number > 0) lines.push_back(absl::StrCat(number, " ", what));
  };
  count(stats.damaged_packets, "damaged packets");
  count(stats.damaged_frames, "damaged frames");
  count(stats.size_changes, "changes of size");
  return absl::StrJoin(lines, ", ");
}

// What the counters say about a video that was read to its end.
void Judge(const DecodeStats& stats, VideoOutcome* outcome) {
  outcome->frames_decoded = stats.frames;
  outcome->reason = PartialReason(stats);
  if (!outcome->reason.empty()) outcome->status = "partial";
  outcome->message = DamageText(stats);
  if (outcome->frames == 0) {
    outcome->status = "rejected";
    if (stats.frames > 0) {
      outcome->reason = "quality";
      outcome->message = "no frame reaches data.quality_threshold";
    } else if (outcome->reason.empty()) {
      outcome->reason = kReasonNoFrames;
      outcome->message = "no frame could be decoded";
    }
  }
}

class Worker {
 public:
  Worker(const ChunkVideoOptions& options, std::unique_ptr<VideoDecoder> decoder,
         std::optional<KeypointTrack> track, const ChunkSink& sink)
      : options_(options), decoder_(std::move(decoder)), track_(std::move(track)), sink_(sink) {}

  // CANCELLED and the sink's errors end the work; the decoder's end the video.
  absl::StatusOr<VideoOutcome> Run() {
    VideoOutcome outcome;
    absl::Status decoding;
    for (;;) {
      absl::StatusOr<bool> more = decoder_->Next();
      if (absl::IsCancelled(more.status())) return more.status();
      decoding = more.status();
      if (!more.ok() || !*more) break;
      SLIMREEL_RETURN_IF_ERROR(TakeFrame());
    }
    if (chunker_) {
      SLIMREEL_RETURN_IF_ERROR(chunker_->Finish());
      outcome.frames = chunker_->kept_frames();
      outcome.chunks = chunker_->chunks();
    }
    Judge(decoder_->stats(), &outcome);
    if (!decoding.ok()) {
      outcome.status = outcome.frames > 0 ? "partial" : "rejected";
      outcome.reason = OrInternal(ReasonOf(decoding));
      outcome.message = std::string(decoding.message());
    }
    if (track_ && outcome.status != "rejected") return WithKeypoints(std::move(outcome));
    return outcome;
  }

 private:
  absl::Status TakeFrame() {
    const FrameSize size = decoder_->size();
    const int64_t frame_bytes = options_.keep_frames ? size.rgb_bytes() : 0;
    if (!chunker_) {
      chunker_.emplace(options_.chunker, frame_bytes, [this, size](Chunk chunk) {
        nlohmann::json metadata =
            Describe(*decoder_, chunk, options_.keep_frames, track_ ? &*track_ : nullptr);
        return HandOut({std::move(chunk), size, std::move(metadata), ""});
      });
    }
    SLIMREEL_ASSIGN_OR_RETURN(uint8_t * slot, chunker_->Slot());
    if (!options_.keep_frames) return chunker_->Keep({decoder_->frame(), FrameQuality()});
    decoder_->CopyRgb({slot, static_cast<size_t>(frame_bytes)});
    const FrameQuality quality = MeasureQuality(slot, size);
    if (quality.score < options_.quality_threshold) return absl::OkStatus();
    return chunker_->Keep({decoder_->frame(), quality});
  }

  // With keypoints, chunks wait until all frames are counted: all but the newest on the disk.
  absl::Status HandOut(DescribedChunk chunk) {
    if (!track_) return sink_(std::move(chunk));
    if (!waiting_.empty()) SLIMREEL_RETURN_IF_ERROR(waiting_.back().chunk.rgb.MoveToFile());
    waiting_.push_back(std::move(chunk));
    return absl::OkStatus();
  }

  absl::StatusOr<VideoOutcome> WithKeypoints(VideoOutcome outcome) {
    if (track_->frames != outcome.frames_decoded) {
      VideoOutcome rejected =
          Rejected("keypoint_frames", absl::StrCat("keypoints of ", track_->frames, " frames, but ",
                                                   outcome.frames_decoded, " were decoded"));
      rejected.frames_decoded = outcome.frames_decoded;
      return rejected;
    }
    for (DescribedChunk& chunk : waiting_) {
      std::vector<int64_t> frames;
      for (const KeptFrame& frame : chunk.chunk.frames) frames.push_back(frame.info.number);
      chunk.keypoints = ChunkKeypoints(*track_, frames, decoder_->upright_size(), chunk.size);
      SLIMREEL_RETURN_IF_ERROR(sink_(std::move(chunk)));
    }
    return outcome;
  }

  const ChunkVideoOptions& options_;
  std::unique_ptr<VideoDecoder> decoder_;
  const std::optional<KeypointTrack> track_;
  const ChunkSink& sink_;
  std::optional<Chunker> chunker_;
  std::vector<DescribedChunk> waiting_;
};

}  // namespace

absl::StatusOr<VideoOutcome> ChunkVideo(const std::string& path, const ChunkVideoOptions& options,
                                        const std::function<bool()>& interrupted,
                                        const ChunkSink& sink) {
  const auto start = std::chrono::steady_clock::now();
  std::optional<KeypointTrack> track;
  if (options.keypoints != KeypointUse::kIgnored) {
    absl::StatusOr<KeypointTrack> read = ReadKeypointFile(KeypointPathOf(path));
    if (read.ok()) {
      track = *std::move(read);
    } else if (!absl::IsNotFound(read.status())) {
      return Rejected("bad_keypoints", View(read.status().message()));
    } else if (options.keypoints == KeypointUse::kRequired) {
      return Rejected("no_keypoints", View(read.status().message()));
    }
  }
  VideoDecoderOptions decoding;
  decoding.threads = 1;  // with damage, other counts give other frames
  decoding.sizing = options.sizing;
  decoding.interrupted = interrupted;
  absl::StatusOr<std::unique_ptr<VideoDecoder>> decoder = VideoDecoder::Open(path, decoding);
  if (absl::IsCancelled(decoder.status())) return decoder.status();
  if (!decoder.ok()) {
    return Rejected(OrInternal(ReasonOf(decoder.status())), View(decoder.status().message()));
  }
  SLIMREEL_ASSIGN_OR_RETURN(VideoOutcome outcome,
                            Worker(options, *std::move(decoder), std::move(track), sink).Run());
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

}  // namespace slimreel
