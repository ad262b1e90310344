// Reading prepared frames from a warm shard against decoding and resizing the
// same video again: interleaved pairs, the median of the ratios. Both copy every
// frame into a buffer; one thread each. The frames are compared before.
#include <gflags/gflags.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/decode/libav_handles.h"
#include "data/decode/video_decoder.h"
#include "data/pipeline/prepare.h"
#include "data/shard/shard_reader.h"

DEFINE_string(input, "", "a video; empty: one of 340x256, H.264, is made with ffmpeg");
DEFINE_int32(short_side, 128, "shorter side of the stored frames");
DEFINE_int32(pairs, 9, "interleaved pairs");
DEFINE_bool(json, false, "one JSON object on standard output");

namespace slimreel {
namespace {

constexpr double kTarget = 20;

double Seconds(const std::chrono::steady_clock::time_point& start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// All frames, [T, H, W, 3] uint8, into `out`.
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
  if (std::system(command.c_str()) != 0) return absl::InternalError("ffmpeg made no video");
  return path;
}

absl::StatusOr<std::vector<double>> Ratios(const std::string& video, const ShardDataset& dataset,
                                           int64_t* bytes) {
  std::vector<uint8_t> decoded, read;
  SLIMREEL_RETURN_IF_ERROR(DecodeAll(video, &decoded));
  SLIMREEL_RETURN_IF_ERROR(ReadAll(dataset, &read));
  if (decoded != read) return absl::DataLossError("the shard does not hold the decoded frames");
  *bytes = static_cast<int64_t>(read.size());
  std::vector<double> ratios;
  for (int pair = 0; pair < FLAGS_pairs; ++pair) {
    double decode_s = 0, read_s = 0;
    for (const bool decode : {pair % 2 == 0, pair % 2 != 0}) {
      const auto start = std::chrono::steady_clock::now();
      SLIMREEL_RETURN_IF_ERROR(decode ? DecodeAll(video, &decoded) : ReadAll(dataset, &read));
      (decode ? decode_s : read_s) = Seconds(start);
    }
    ratios.push_back(decode_s / read_s);
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios;
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
  SLIMREEL_ASSIGN_OR_RETURN(const auto ratios, Ratios(video, *dataset, &bytes));
  const double median = ratios[ratios.size() / 2];
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
    std::cerr << "reading_benchmark: --pairs is at least 1, --short_side at least 8\n";
    return 2;
  }
  slimreel::QuietLibavLog();
  char folder[] = "/tmp/slimreel_reading_benchmark.XXXXXX";
  if (mkdtemp(folder) == nullptr) return 1;
  const absl::Status status = slimreel::Run(folder);
  std::filesystem::remove_all(folder);
  if (!status.ok()) std::cerr << "reading_benchmark: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
