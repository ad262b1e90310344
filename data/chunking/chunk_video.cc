#include "data/chunking/chunk_video.h"

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
#include "data/chunking/chunk_keypoints.h"
#include "data/decode/media_error.h"
#include "data/decode/video_decoder.h"

namespace slimreel {
namespace {

// Three decimals: enough for a score, and short.
double Rounded(double value) { return std::round(value * 1000) / 1000; }

// Times, scores and key frames of the chunk's frames.
void DescribeFrames(const Chunk& chunk, bool with_quality, nlohmann::json* json) {
  nlohmann::json pts = nlohmann::json::array(), numbers = pts, keys = pts, scores = pts, blur = pts,
                 darkness = pts, flatness = pts;
  for (size_t i = 0; i < chunk.frames.size(); ++i) {
    const auto& [info, upright, quality] = chunk.frames[i];
    pts.push_back(info.pts_us);
    numbers.push_back(info.number);
    if (info.key) keys.push_back(i);
    scores.push_back(Rounded(quality.score));
    blur.push_back(Rounded(quality.blur));
    darkness.push_back(Rounded(quality.darkness));
    flatness.push_back(Rounded(quality.flatness));
  }
  (*json)["pts_us"] = std::move(pts);
  (*json)["frame_numbers"] = std::move(numbers);
  (*json)["key_frames"] = std::move(keys);
  if (!with_quality) return;
  (*json)["quality"] = {{"score", std::move(scores)},
                        {"blur", std::move(blur)},
                        {"darkness", std::move(darkness)},
                        {"flatness", std::move(flatness)}};
}

// `track` may be null.
nlohmann::json Describe(const VideoDecoder& decoder, const Chunk& chunk, bool with_quality,
                        const KeypointTrack* track) {
  const VideoStream& stream = decoder.stream();
  const FrameSize upright = chunk.frames.front().upright;
  nlohmann::json json = {{"codec", stream.codec},
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
  DescribeFrames(chunk, with_quality, &json);
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
  if (stats.truncated) lines.push_back("the file is cut off: its end is missing");
  const auto count = [&lines](int64_t number, absl::string_view what) {
    if (number > 0) lines.push_back(absl::StrCat(number, " ", what));
  };
  count(stats.damaged_packets, "damaged packets");
  count(stats.damaged_frames, "damaged frames");
  count(stats.size_changes, "changes of size");
  return absl::StrJoin(lines, ", ");
}

// The outcome that follows from the counters and from the error that ended the decoding.
VideoOutcome OutcomeOf(const DecodeStats& stats, const absl::Status& decoding) {
  VideoOutcome outcome;
  outcome.frames_decoded = stats.frames;
  outcome.reason = PartialReason(stats);
  outcome.message = DamageText(stats);
  if (!decoding.ok()) {
    outcome.reason = OrInternal(ReasonOf(decoding));
    outcome.message = std::string(decoding.message());
  }
  if (!outcome.reason.empty()) outcome.status = "partial";
  return outcome;
}

// The outcome as it is known when the last chunk is made, without the values that follow from the
// chunks themselves.
nlohmann::json ToJson(const VideoOutcome& outcome) {
  nlohmann::json json = {{"status", outcome.status}, {"frames_decoded", outcome.frames_decoded}};
  if (!outcome.reason.empty()) json["reason"] = outcome.reason;
  if (!outcome.message.empty()) json["message"] = outcome.message;
  return json;
}

// For a video of which no frame was kept.
void RejectForNoFrame(VideoOutcome* outcome) {
  outcome->status = "rejected";
  if (outcome->frames_decoded > 0) {
    outcome->reason = "quality";
    outcome->message = "no frame reaches data.quality_threshold";
  } else if (outcome->reason.empty()) {
    outcome->reason = kReasonNoFrames;
    outcome->message = "no frame could be decoded";
  }
}

// One pass of decoding over a video. If the video has keypoints, the number of frames must be known
// before a chunk may be handed out, so chunks wait on the disk. If they need more room than
// allowed, the pass gives them up and only counts frames, and a second pass hands them out.
class DecodingPass {
 public:
  DecodingPass(const ChunkVideoOptions& options, VideoDecoder* decoder, const KeypointTrack* track,
               SampleOrigin origin, const ChunkSink& sink, bool may_wait)
      : options_(options),
        decoder_(*decoder),
        track_(track),
        origin_(std::move(origin)),
        sink_(sink),
        may_wait_(may_wait && track != nullptr) {}

  // Errors: CANCELLED, and those of the machine and the sink. The decoder's errors only end the
  // video.
  absl::StatusOr<VideoOutcome> Run() {
    for (;;) {
      absl::StatusOr<bool> more = decoder_.Next();
      if (absl::IsCancelled(more.status()) || IsMachineError(more.status())) return more.status();
      decoding_ = more.status();
      if (!more.ok() || !*more) break;
      if (!gave_up_) SLIMREEL_RETURN_IF_ERROR(TakeFrame());
    }
    VideoOutcome outcome = OutcomeOf(decoder_.stats(), decoding_);
    if (track_ != nullptr && outcome.frames_decoded > 0 &&
        track_->frames != outcome.frames_decoded) {
      VideoOutcome rejected =
          Rejected("keypoint_frames", absl::StrCat("keypoints of ", track_->frames, " frames, but ",
                                                   outcome.frames_decoded, " were decoded"));
      rejected.frames_decoded = outcome.frames_decoded;
      return rejected;
    }
    if (chunker_ && !gave_up_) {
      SLIMREEL_RETURN_IF_ERROR(chunker_->Finish());
      outcome.frames = chunker_->kept_frames();
      outcome.left_out_frames = chunker_->left_out_frames();
      outcome.chunks = chunker_->chunks();
    }
    if (gave_up_) return outcome;
    if (outcome.frames == 0) RejectForNoFrame(&outcome);
    for (DescribedChunk& chunk : waiting_) SLIMREEL_RETURN_IF_ERROR(sink_(std::move(chunk)));
    return outcome;
  }

  bool gave_up() const { return gave_up_; }

 private:
  absl::Status TakeFrame() {
    const FrameSize size = decoder_.size();
    const int64_t frame_bytes = options_.keep_frames ? size.rgb_bytes() : 0;
    if (!chunker_) {
      chunker_.emplace(options_.chunker, frame_bytes, [this, size](Chunk chunk) {
        return HandOut(Described(std::move(chunk), size));
      });
    }
    SLIMREEL_ASSIGN_OR_RETURN(uint8_t * slot, chunker_->Slot());
    KeptFrame frame{decoder_.frame(), decoder_.upright_size(), FrameQuality()};
    if (!options_.keep_frames) return chunker_->Keep(frame);
    decoder_.CopyRgb({slot, static_cast<size_t>(frame_bytes)});
    frame.quality = MeasureQuality(slot, size);
    if (frame.quality.score < options_.quality_threshold) return absl::OkStatus();
    return chunker_->Keep(frame);
  }

  DescribedChunk Described(Chunk chunk, FrameSize size) const {
    DescribedChunk described;
    described.size = size;
    described.metadata = Describe(decoder_, chunk, options_.keep_frames, track_);
    described.origin = origin_;
    described.origin.chunk = chunk.number;
    described.origin.left_out_frames = chunk.left_out_frames;
    if (chunk.last) {
      const VideoOutcome outcome = OutcomeOf(decoder_.stats(), decoding_);
      // If a reason that may pass ended the video, this is not its real end.
      described.origin.last_chunk = IsPermanent(outcome);
      described.metadata["outcome"] = ToJson(outcome);
    }
    if (track_ != nullptr) {
      std::vector<KeypointFrame> frames;
      for (const KeptFrame& frame : chunk.frames) {
        // If the numbers of frames differ, the video is rejected and this chunk is never used.
        if (frame.info.number < track_->frames)
          frames.push_back({frame.info.number, frame.upright});
      }
      described.keypoints = ChunkKeypoints(*track_, frames, size);
    }
    described.chunk = std::move(chunk);
    return described;
  }

  absl::Status HandOut(DescribedChunk chunk) {
    if (!may_wait_) return sink_(std::move(chunk));
    if (gave_up_) return absl::OkStatus();
    if (!waiting_.empty()) SLIMREEL_RETURN_IF_ERROR(waiting_.back().chunk.rgb.MoveToFile());
    waiting_bytes_ += chunk.chunk.rgb.memory_in_use() + chunk.chunk.rgb.disk_in_use() +
                      static_cast<int64_t>(chunk.keypoints.size());
    waiting_.push_back(std::move(chunk));
    if (waiting_bytes_ <= options_.waiting_bytes) return absl::OkStatus();
    gave_up_ = true;
    waiting_.clear();
    return absl::OkStatus();
  }

  const ChunkVideoOptions& options_;
  VideoDecoder& decoder_;
  const KeypointTrack* const track_;
  const SampleOrigin origin_;
  const ChunkSink& sink_;
  const bool may_wait_;
  absl::Status decoding_;  // the error that ended the decoding
  std::optional<Chunker> chunker_;
  std::vector<DescribedChunk> waiting_;
  int64_t waiting_bytes_ = 0;
  bool gave_up_ = false;
};

// A video, and what its decoding passes share.
class VideoChunking {
 public:
  VideoChunking(const SourceFiles& source, const ChunkVideoOptions& options,
                const std::function<bool()>& interrupted, const ChunkSink& sink)
      : source_(source), options_(options), sink_(sink) {
    decoding_.threads = 1;  // frames of a damaged file depend on the number of threads
    decoding_.sizing = options.sizing;
    decoding_.max_decoded_frame_bytes = options.max_picture_bytes;
    decoding_.interrupted = interrupted;
  }

  absl::StatusOr<VideoOutcome> Run() {
    SLIMREEL_ASSIGN_OR_RETURN(std::optional<VideoOutcome> rejected, ReadKeypoints());
    if (rejected) return *std::move(rejected);
    absl::StatusOr<std::unique_ptr<VideoDecoder>> decoder =
        VideoDecoder::Open(source_.path, decoding_);
    if (!decoder.ok()) return RejectForFileError(decoder.status());
    if (absl::Status marked = MarkOrigin(); !marked.ok()) return RejectForFileError(marked);
    DecodingPass pass(options_, decoder->get(), track(), origin_, sink_, /*may_wait=*/true);
    SLIMREEL_ASSIGN_OR_RETURN(const VideoOutcome outcome, pass.Run());
    return pass.gave_up() && outcome.status != "rejected" ? SecondPass(outcome) : outcome;
  }

 private:
  const KeypointTrack* track() const { return track_ ? &*track_ : nullptr; }

  // Rejects the video if the fault is the file's; returns the error if it is the machine's.
  static absl::StatusOr<VideoOutcome> RejectForFileError(const absl::Status& status) {
    if (absl::IsCancelled(status) || IsMachineError(status)) return status;
    return Rejected(OrInternal(ReasonOf(status)), View(status.message()));
  }

  // Fills track_. Returns an outcome if the keypoints reject the video.
  absl::StatusOr<std::optional<VideoOutcome>> ReadKeypoints() {
    if (options_.keypoints == KeypointUse::kIgnored) return std::nullopt;
    absl::StatusOr<KeypointTrack> read = ReadKeypointFile(
        KeypointPathOf(source_.path),
        options_.max_keypoint_bytes > 0 ? options_.max_keypoint_bytes : kMaxKeypointBytes);
    if (read.ok()) {
      track_ = *std::move(read);
      return std::nullopt;
    }
    const absl::Status& status = read.status();
    if (IsMachineError(status)) return status;
    if (!absl::IsNotFound(status)) return Rejected(KeypointReason(status), View(status.message()));
    if (options_.keypoints != KeypointUse::kRequired) return std::nullopt;
    return Rejected("no_keypoints", View(status.message()));
  }

  static std::string KeypointReason(const absl::Status& status) {
    if (absl::IsOutOfRange(status)) return "keypoints_too_large";
    if (absl::IsPermissionDenied(status)) return std::string(kReasonUnreadable);
    return absl::IsDataLoss(status) ? "bad_keypoints" : std::string(kReasonIoError);
  }

  absl::Status MarkOrigin() {
    origin_.known = true;
    origin_.recipe = options_.recipe;
    SLIMREEL_ASSIGN_OR_RETURN(origin_.video, MarkOf(source_.path, source_.stat));
    if (!track_) return absl::OkStatus();
    SLIMREEL_ASSIGN_OR_RETURN(origin_.keypoints,
                              MarkOf(KeypointPathOf(source_.path), source_.keypoint_stat));
    return absl::OkStatus();
  }

  static absl::StatusOr<FileMark> MarkOf(const std::string& path, const FileStat& stat) {
    const absl::StatusOr<uint64_t> digest = FileDigest(path);
    if (digest.ok()) return FileMark{stat.size_bytes, stat.mtime_ns, *digest};
    const absl::Status& status = digest.status();
    if (IsMachineError(status)) return status;
    const std::string_view reason = absl::IsNotFound(status)           ? kReasonNotFound
                                    : absl::IsPermissionDenied(status) ? kReasonUnreadable
                                                                       : kReasonIoError;
    return MediaError(status.code(), reason, View(status.message()));
  }

  absl::StatusOr<VideoOutcome> SecondPass(const VideoOutcome& first) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<VideoDecoder> decoder,
                              VideoDecoder::Open(source_.path, decoding_));
    DecodingPass pass(options_, decoder.get(), track(), origin_, sink_, /*may_wait=*/false);
    SLIMREEL_ASSIGN_OR_RETURN(VideoOutcome outcome, pass.Run());
    if (outcome.frames_decoded == first.frames_decoded) return outcome;
    return absl::AbortedError(
        absl::StrCat(source_.path, " changed while it was read; run again when it is complete"));
  }

  const SourceFiles& source_;
  const ChunkVideoOptions& options_;
  const ChunkSink& sink_;
  VideoDecoderOptions decoding_;
  std::optional<KeypointTrack> track_;
  SampleOrigin origin_;
};

}  // namespace

bool IsPermanent(const VideoOutcome& outcome) {
  // "internal" is a fault of this program; another version may not have it.
  return outcome.reason != "keypoints_too_large" && outcome.reason != "internal" &&
         !ReasonMayPass(outcome.reason);
}

absl::StatusOr<VideoOutcome> ChunkVideo(const SourceFiles& source, const ChunkVideoOptions& options,
                                        const std::function<bool()>& interrupted,
                                        const ChunkSink& sink) {
  const auto start = std::chrono::steady_clock::now();
  SLIMREEL_ASSIGN_OR_RETURN(VideoOutcome outcome,
                            VideoChunking(source, options, interrupted, sink).Run());
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

}  // namespace slimreel
