// Decoding to RGB24 against the ffmpeg program with as many threads, in
// interleaved pairs. Both decode every frame and convert it; neither keeps it.
#include <gflags/gflags.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "data/decode/libav_handles.h"
#include "data/decode/video_decoder.h"

DEFINE_string(input, "", "videos, comma-separated; empty: one is made with ffmpeg");
DEFINE_string(threads, "1,2", "thread counts, comma-separated");
DEFINE_int32(pairs, 5, "interleaved pairs");
DEFINE_int32(short_side, 0, "resize; 0: not");
DEFINE_bool(json, false, "one JSON object on standard output");

namespace slimreel {
namespace {

double Seconds(const std::chrono::steady_clock::time_point& start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Run {
  double seconds = 0;
  int64_t frames = 0;
  FrameSize size;
};

Run DecodeOurs(const std::string& path, int threads) {
  const auto start = std::chrono::steady_clock::now();
  VideoDecoderOptions options;
  options.threads = threads;
  options.sizing.short_side = FLAGS_short_side;
  auto decoder = VideoDecoder::Open(path, options);
  Run run;
  std::vector<uint8_t> rgb;
  for (;;) {
    auto more = decoder.ok() ? (*decoder)->Next() : absl::StatusOr<bool>(decoder.status());
    if (!more.ok()) {
      std::cerr << more.status() << "\n";
      std::exit(1);
    }
    if (!*more) break;
    run.size = (*decoder)->size();
    rgb.resize(run.size.rgb_bytes());
    (*decoder)->CopyRgb(absl::MakeSpan(rgb));
    ++run.frames;
  }
  run.seconds = Seconds(start);
  return run;
}

double DecodeByFfmpeg(const std::string& path, int threads, const FrameSize& size) {
  const std::string filter =
      FLAGS_short_side == 0
          ? ""
          : absl::StrFormat("-vf scale=%d:%d:flags=bilinear", size.width, size.height);
  const std::string command = absl::StrFormat(
      "ffmpeg -nostdin -y -v fatal -threads %d -filter_threads %d -i '%s' -map 0:V:0 -fps_mode "
      "passthrough %s -pix_fmt rgb24 -f rawvideo /dev/null",
      threads, threads, path, filter);
  const auto start = std::chrono::steady_clock::now();
  if (std::system(command.c_str()) != 0) std::exit(1);
  return Seconds(start);
}

std::string MadeClip() {
  const auto path = std::filesystem::temp_directory_path() / "slimreel_decode_benchmark.mp4";
  const std::string command =
      "ffmpeg -nostdin -y -v error -f lavfi -i mandelbrot=s=1280x720:r=30 -t 5 -c:v libx264 -g 600 "
      "-pix_fmt yuv420p " +
      path.string();
  if (std::system(command.c_str()) != 0) std::exit(1);
  return path.string();
}

nlohmann::json Measure(const std::string& path, int threads) {
  std::vector<double> ratios, fps;
  Run first = DecodeOurs(path, threads);  // warms the page cache
  for (int pair = 0; pair < FLAGS_pairs; ++pair) {
    const bool ours_first = pair % 2 == 0;
    double theirs = ours_first ? 0 : DecodeByFfmpeg(path, threads, first.size);
    const Run ours = DecodeOurs(path, threads);
    if (ours_first) theirs = DecodeByFfmpeg(path, threads, first.size);
    ratios.push_back(theirs / ours.seconds);
    fps.push_back(ours.frames / ours.seconds);
  }
  std::sort(ratios.begin(), ratios.end());
  std::sort(fps.begin(), fps.end());
  return {{"file", std::filesystem::path(path).filename().string()},
          {"threads", threads},
          {"width", first.size.width},
          {"height", first.size.height},
          {"frames", first.frames},
          {"frames_per_second", fps[fps.size() / 2]},
          {"speed_against_ffmpeg", ratios[ratios.size() / 2]}};
}

int Main() {
  QuietLibavLog();
  std::vector<std::string> paths = absl::StrSplit(FLAGS_input, ',', absl::SkipEmpty());
  const bool made = paths.empty();
  if (made) paths.push_back(MadeClip());
  nlohmann::json rows = nlohmann::json::array();
  std::vector<double> ratios;
  for (const std::string& path : paths) {
    for (const auto& threads : absl::StrSplit(FLAGS_threads, ',')) {
      rows.push_back(Measure(path, std::atoi(std::string(threads).c_str())));
      ratios.push_back(rows.back()["speed_against_ffmpeg"]);
      if (!FLAGS_json) std::cout << rows.back().dump() << std::endl;
    }
  }
  if (made) std::filesystem::remove(paths[0]);
  std::sort(ratios.begin(), ratios.end());
  const double median = ratios[ratios.size() / 2];
  if (FLAGS_json) {
    std::cout << nlohmann::json{{"benchmark", "decode"}, {"median_ratio", median}, {"rows", rows}}
              << std::endl;
  } else {
    std::cout << absl::StrFormat("decode to RGB: %.3f x the speed of ffmpeg (median)\n", median);
  }
  return 0;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return slimreel::Main();
}
