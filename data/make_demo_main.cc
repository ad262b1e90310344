// make_demo: writes labelled clips with known motions, encoded with a real codec.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "base/exit_code.h"
#include "data/demo/demo_set.h"

DEFINE_string(output, "", "folder to write; gets one folder per class");
DEFINE_int32(clips_per_class, 100, "clips of each class");
DEFINE_uint64(seed, 0, "another seed gives other clips of the same classes");
DEFINE_bool(pose, false,
            "figures of three colours and three motions, with keypoints beside the videos");
DEFINE_bool(speech, false, "write speech (not yet available)");
DEFINE_bool(fake, false, "write a deepfake set (not yet available)");

namespace {

constexpr char kUsage[] =
    "writes short clips whose class is the motion of an object.\n\n"
    "  make_demo --output=DIR [--clips_per_class=100] [--seed=0] [--pose]\n\n"
    "Writes DIR/<class>/*.mp4 for the classes clockwise, down, grow, left, right, up.\n"
    "With --pose, the class is the colour and the motion of a cloaked figure (blue_arms,\n"
    "..., red_legs): the colour is seen in the video alone, the motion in the keypoints\n"
    "(DIR/<class>/*.kpts.npy) alone.";

// Relative paths mean where the user stands, also under `bazel run`.
std::string FromWhereTheUserStands(const std::string& path) {
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  return folder == nullptr ? path : (std::filesystem::path(folder) / path).string();
}

int UsageError(const std::string& message) {
  std::cerr << "make_demo: " << message << "\nSee make_demo --help.\n";
  return static_cast<int>(slimreel::ExitCode::kUsage);
}

}  // namespace

int main(int argc, char** argv) {
  gflags::SetUsageMessage(kUsage);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc > 1) return UsageError("unexpected argument '" + std::string(argv[1]) + "'");
  if (FLAGS_speech || FLAGS_fake) {
    return UsageError("--speech and --fake are not yet available");
  }
  if (FLAGS_output.empty()) return UsageError("--output=DIR is missing");
  slimreel::DemoSetOptions options;
  options.output = FromWhereTheUserStands(FLAGS_output);
  options.clips_per_class = FLAGS_clips_per_class;
  options.seed = FLAGS_seed;
  options.pose = FLAGS_pose;
  options.num_threads = std::max(1u, std::thread::hardware_concurrency());
  const absl::StatusOr<slimreel::DemoSetSummary> summary = slimreel::WriteDemoSet(options);
  if (!summary.ok()) {
    std::cerr << "make_demo: " << summary.status().message() << "\n";
    return static_cast<int>(slimreel::ExitCodeOf(summary.status()));
  }
  std::cout << summary->clips << " clips of " << summary->classes << " classes ("
            << summary->bytes / 1024 << " KiB) in " << options.output << "\n";
  return 0;
}
