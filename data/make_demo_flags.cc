#include "data/make_demo_flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <thread>

DEFINE_string(output, "", "folder to write to; it gets one folder per class");
DEFINE_int32(clips_per_class, 100, "number of clips of each class, 1 to 1000000");
DEFINE_uint64(seed, 0, "another seed gives other clips of the same classes");
DEFINE_bool(pose, false,
            "figures of three colours and three motions, with keypoints beside the videos");
DEFINE_bool(speech, false, "write speech (not yet available)");
DEFINE_bool(fake, false, "write a deepfake set (not yet available)");

namespace slimreel {

Program MakeDemoProgram() {
  Program program;
  program.name = "make_demo";
  program.synopsis = "make_demo --output=DIR [--clips_per_class=100] [--seed=0] [--pose]";
  program.description =
      "Writes short clips whose class is the motion of an object: DIR/<class>/*.mp4 for\n"
      "the classes clockwise, down, grow, left, right, up.\n"
      "With --pose, the class is the colour and the motion of a cloaked figure (blue_arms,\n"
      "..., red_legs): only the video shows the colour, and only the keypoints\n"
      "(DIR/<class>/*.kpts.npy) show the motion.";
  program.flags = {"output", "clips_per_class", "seed", "pose", "speech", "fake"};
  program.examples =
      "make_demo --output=clips/train\n"
      "make_demo --output=clips/val --clips_per_class=20 --seed=1\n"
      "make_demo --output=poses --pose";
  return program;
}

absl::StatusOr<DemoSetOptions> DemoSetOptionsFromFlags() {
  if (FLAGS_speech || FLAGS_fake) {
    return absl::UnimplementedError("--speech and --fake are not yet available");
  }
  if (FLAGS_output.empty()) return absl::InvalidArgumentError("--output=DIR is missing");
  DemoSetOptions options;
  options.output = FLAGS_output;
  options.clips_per_class = FLAGS_clips_per_class;
  options.seed = FLAGS_seed;
  options.pose = FLAGS_pose;
  options.num_threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return options;
}

}  // namespace slimreel
