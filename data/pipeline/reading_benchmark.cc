// Compares the speed of reading prepared frames from a warm shard with that of decoding and
// resizing the same video again: the median of the ratios of interleaved pairs. Both copy every
// frame into a buffer, on one thread. Checks first that the frames are equal.
#include <gflags/gflags.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/paired_timing.h"
#include "base/status_macros.h"
#include "base/temporary_folder.h"
#include "data/decode/libav_handles.h"
#include "data/decode/video_decoder.h"
#include "data/pipeline/prepare.h"
#include "data/shard/shard_reader.h"

DEFINE_string(input, "", "a video; empty: ffmpeg makes one of 340x256, H.264");
DEFINE_int32(short_side, 128, "shorter side of the stored frames, in pixels");
DEFINE_int32(pairs, 9, "number of interleaved pairs");
DEFINE_bool(json, false, "print one JSON object on standard output");

namespace slimreel {
namespace {

constexpr double kTarget = 20;

// Decodes all frames, [T, H, W, 3] uint8, into `out`.
absl::Status DecodeAll(const std::string& video, std::vector<uint8_t>* out) {
  VideoDecoderOptions options;
  options.sizing.short_side = FLAGS_short_side;
  SLIMREEL_ASSIGN_OR_RETURN(const auto decoder, VideoDecoder::Open(video, options));
  for (size_t at = 0;;) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, decoder->Next());
    if (!more) return absl::OkStatus();
    const auto bytes = static_cast<size_t>(decoder->size().rgb_bytes());
    if (out->size() < at + bytes) out->resize(at + bytes);
    decoder->CopyRgb(absl::MakeSpan(*out).subspan(at, bytes));
    at += bytes;
  }
}

absl::Status ReadAll(const ShardDataset& dataset, std::vector<uint8_t>* out) {
  size_t at = 0;
  for (int64_t i = 0; i < dataset.num_samples(); ++i) {
    SLIMREEL_ASSIGN_OR_RETURN(const FramesView frames, dataset.Frames(i));
    const auto bytes = static_cast<size_t>(frames.bytes());
    if (out->size() < at + bytes) out->resize(at + bytes);
    std::memcpy(out->data() + at, frames.data, bytes);
    at += bytes;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> VideoOf(const std::string& folder) {
  if (!FLAGS_input.empty()) return std::filesystem::absolute(FLAGS_input).string();
  const std::string path = folder + "/made.mp4";
  const std::string command = absl::StrCat(
      "ffmpeg -nostdin -y -v error -f lavfi -i mandelbrot=s=340x256:r=25 -frames:v 100 "
      "-c:v libx264 -bf 2 -pix_fmt yuv420p ",
      path);
  if (std::system(command.c_str()) != 0)
    return absl::InternalError("ffmpeg failed to make the video");
  return path;
}

absl::StatusOr<PairedTimes> Measure(const std::string& video, const ShardDataset& dataset,
                                    int64_t* bytes) {
  std::vector<uint8_t> decoded, read;
  SLIMREEL_RETURN_IF_ERROR(DecodeAll(video, &decoded));
  SLIMREEL_RETURN_IF_ERROR(ReadAll(dataset, &read));
  if (decoded != read) return absl::DataLossError("the shard does not hold the decoded frames");
  *bytes = static_cast<int64_t>(read.size());
  return TimePairs(
      FLAGS_pairs, [&] { return ReadAll(dataset, &read); },
      [&] { return DecodeAll(video, &decoded); });
}

absl::Status Run(const std::string& folder) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string video, VideoOf(folder));
  PrepareOptions options;
  options.inputs = {video};
  options.output = folder + "/shards";
  options.data.short_side = FLAGS_short_side;
  SLIMREEL_RETURN_IF_ERROR(Prepare(options).status());
  SLIMREEL_ASSIGN_OR_RETURN(const auto dataset, ShardDataset::Open(options.output, "train"));
  int64_t bytes = 0;
  SLIMREEL_ASSIGN_OR_RETURN(const PairedTimes times, Measure(video, *dataset, &bytes));
  const std::vector<double>& ratios = times.speeds;
  const double median = MedianOfSorted(ratios);
  if (FLAGS_json) {
    std::cout << nlohmann::json{{"benchmark", "shard_read_vs_decode"},
                                {"ratio", median},
                                {"target", kTarget},
                                {"min", ratios.front()},
                                {"max", ratios.back()},
                                {"pairs", ratios.size()},
                                {"bytes", bytes}}
              << std::endl;
  } else {
    std::cout << absl::StrFormat(
        "warm shard: %.1f x the speed of decoding again (median of %d pairs, %.1f to %.1f, target "
        ">= %.0f)\n",
        median, ratios.size(), ratios.front(), ratios.back(), kTarget);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (FLAGS_pairs < 1 || FLAGS_short_side < 8) {
    std::cerr << "reading_benchmark: --pairs must be at least 1, --short_side at least 8\n";
    return 2;
  }
  slimreel::QuietLibavLog();
  const auto folder = slimreel::TemporaryFolder::Create("reading_benchmark");
  const absl::Status status = folder.ok() ? slimreel::Run((*folder)->path()) : folder.status();
  if (!status.ok()) std::cerr << "reading_benchmark: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
