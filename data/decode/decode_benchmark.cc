// Times our decoding to RGB24 against the ffmpeg program with the same number of threads, in
// interleaved pairs. Both decode and convert every frame and keep none.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/paired_timing.h"
#include "base/status_macros.h"
#include "base/temporary_folder.h"
#include "data/decode/libav_handles.h"
#include "data/decode/video_decoder.h"

DEFINE_string(input, "", "videos, comma-separated; empty: ffmpeg makes one");
DEFINE_string(threads, "1,2", "thread counts, comma-separated");
DEFINE_int32(pairs, 5, "interleaved pairs");
DEFINE_int32(short_side, 0, "length of the shorter side after resizing; 0: no resize");
DEFINE_bool(json, false, "print one JSON object to standard output");

namespace slimreel {
namespace {

struct Decoded {
  int64_t frames = 0;
  FrameSize size;
};

absl::Status DecodeOurs(const std::string& path, int threads, Decoded* decoded) {
  VideoDecoderOptions options;
  options.threads = threads;
  options.sizing.short_side = FLAGS_short_side;
  SLIMREEL_ASSIGN_OR_RETURN(const auto decoder, VideoDecoder::Open(path, options));
  std::vector<uint8_t> rgb;
  for (decoded->frames = 0;; ++decoded->frames) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, decoder->Next());
    if (!more) return absl::OkStatus();
    decoded->size = decoder->size();
    rgb.resize(decoded->size.rgb_bytes());
    decoder->CopyRgb(absl::MakeSpan(rgb));
  }
}

absl::Status RunFfmpeg(const std::string& arguments) {
  const std::string command = absl::StrCat("ffmpeg -nostdin -y -v fatal ", arguments);
  if (std::system(command.c_str()) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("command failed: ", command));
}

absl::Status DecodeByFfmpeg(const std::string& path, int threads, const FrameSize& size) {
  const std::string filter =
      FLAGS_short_side == 0
          ? ""
          : absl::StrFormat("-vf scale=%d:%d:flags=bilinear", size.width, size.height);
  return RunFfmpeg(
      absl::StrFormat("-threads %d -filter_threads %d -i '%s' -map 0:V:0 -fps_mode passthrough %s "
                      "-pix_fmt rgb24 -f rawvideo /dev/null",
                      threads, threads, path, filter));
}

absl::StatusOr<nlohmann::json> Measure(const std::string& path, int threads) {
  Decoded decoded;  // our run fills the size before ffmpeg's run needs it
  SLIMREEL_ASSIGN_OR_RETURN(const PairedTimes times,
                            TimePairs(
                                FLAGS_pairs, [&] { return DecodeOurs(path, threads, &decoded); },
                                [&] { return DecodeByFfmpeg(path, threads, decoded.size); }));
  return nlohmann::json{
      {"file", std::filesystem::path(path).filename().string()},
      {"threads", threads},
      {"width", decoded.size.width},
      {"height", decoded.size.height},
      {"frames", decoded.frames},
      {"frames_per_second", static_cast<double>(decoded.frames) / MedianOfSorted(times.seconds)},
      {"speed_against_ffmpeg", MedianOfSorted(times.speeds)}};
}

absl::Status Run(const std::vector<std::string>& paths) {
  nlohmann::json rows = nlohmann::json::array();
  std::vector<double> ratios;
  for (const std::string& path : paths) {
    for (const auto& threads : absl::StrSplit(FLAGS_threads, ',')) {
      SLIMREEL_ASSIGN_OR_RETURN(rows.emplace_back(),
                                Measure(path, std::atoi(std::string(threads).c_str())));
      ratios.push_back(rows.back()["speed_against_ffmpeg"]);
      if (!FLAGS_json) std::cout << rows.back().dump() << std::endl;
    }
  }
  std::sort(ratios.begin(), ratios.end());
  const double median = MedianOfSorted(ratios);
  if (FLAGS_json) {
    std::cout << nlohmann::json{{"benchmark", "decode"}, {"median_ratio", median}, {"rows", rows}}
              << std::endl;
  } else {
    std::cout << absl::StrFormat("decode to RGB: %.3f x the speed of ffmpeg (median)\n", median);
  }
  return absl::OkStatus();
}

absl::Status Main() {
  QuietLibavLog();
  const std::vector<std::string> paths = absl::StrSplit(FLAGS_input, ',', absl::SkipEmpty());
  if (!paths.empty()) return Run(paths);
  SLIMREEL_ASSIGN_OR_RETURN(const auto folder, TemporaryFolder::Create("decode_benchmark"));
  const std::string made = folder->path() + "/made.mp4";
  SLIMREEL_RETURN_IF_ERROR(
      RunFfmpeg(absl::StrCat("-f lavfi -i mandelbrot=s=1280x720:r=30 -t 5 -c:v libx264 -g 600 "
                             "-pix_fmt yuv420p ",
                             made)));
  return Run({made});
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (FLAGS_pairs < 1) {
    std::cerr << "decode_benchmark: --pairs must be at least 1\n";
    return 2;
  }
  const absl::Status status = slimreel::Main();
  if (!status.ok()) std::cerr << "decode_benchmark: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
