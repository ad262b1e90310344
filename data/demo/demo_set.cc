#include "data/demo/demo_set.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/counter_random.h"
#include "base/status_macros.h"
#include "data/shard/npy.h"

namespace slimreel {
namespace {

constexpr int kMaxClipsPerClass = 1000000;

struct DemoClip {
  std::vector<uint8_t> frames;  // num_frames x height x width x 3
  int num_frames = 0;
  int width = 0;
  int height = 0;
  std::string keypoints;  // a .npy file; empty: none
};

struct DemoClass {
  std::string name;
  std::function<DemoClip(uint64_t seed)> make;
};

DemoClip MotionDemoClip(Motion motion, uint64_t seed, const MotionClipOptions& options) {
  const MotionClipParameters parameters = DrawMotionClipParameters(motion, seed, options);
  return {RenderMotionClip(parameters, options), options.num_frames, options.width, options.height,
          ""};
}

DemoClip PoseDemoClip(CloakColor color, LimbMotion motion, uint64_t seed,
                      const PoseClipOptions& options) {
  const PoseClipParameters parameters = DrawPoseClipParameters(color, motion, seed, options);
  const std::vector<float> keypoints = PoseClipKeypoints(parameters, options);
  return {RenderPoseClip(parameters, options), options.num_frames, options.width, options.height,
          NpyFile(NpyType::kFloat32, {1, options.num_frames, 17, 3}, keypoints.data())};
}

// In the order of their names.
std::vector<DemoClass> ClassesOf(const DemoSetOptions& options) {
  std::vector<DemoClass> classes;
  if (!options.pose) {
    for (const Motion motion : kMotions) {
      classes.push_back({std::string(MotionName(motion)), [&options, motion](uint64_t seed) {
                           return MotionDemoClip(motion, seed, options.clip);
                         }});
    }
    return classes;
  }
  for (const CloakColor color : kCloakColors) {
    for (const LimbMotion motion : kLimbMotions) {
      classes.push_back({absl::StrCat(CloakColorName(color), "_", LimbMotionName(motion)),
                         [&options, color, motion](uint64_t seed) {
                           return PoseDemoClip(color, motion, seed, options.pose_clip);
                         }});
    }
  }
  return classes;
}

// The seed of one clip. Inputs are mixed one after the other, so that different inputs give
// unrelated clips.
uint64_t ClipSeed(uint64_t seed, int64_t label, int number) {
  uint64_t z = seed;
  for (const uint64_t part : {static_cast<uint64_t>(label), static_cast<uint64_t>(number)}) {
    z = CounterBits(z, part + 1);
  }
  return z;
}

absl::Status MakeClassFolders(const std::string& output, const std::vector<DemoClass>& classes) {
  for (const DemoClass& demo : classes) {
    SLIMREEL_RETURN_IF_ERROR(MakeFolders(absl::StrCat(output, "/", demo.name)));
  }
  return absl::OkStatus();
}

// Writes the file aside and renames it, so that a killed run leaves no half-written clip under a
// clip's name. It does not sync, unlike WriteFileAtomically: syncing took longer than drawing and
// encoding, and after a power cut the clips can be made again in seconds.
absl::Status Publish(const std::string& path, const std::string& bytes) {
  const std::string aside = path + ".partial";
  {
    std::ofstream file(aside, std::ios::binary | std::ios::trunc);
    errno = 0;
    file << bytes;
    file.close();
    if (!file) {
      const int error = errno;
      std::remove(aside.c_str());
      return SystemError(error, "write", path);
    }
  }
  if (std::rename(aside.c_str(), path.c_str()) != 0) return SystemError(errno, "publish", path);
  return absl::OkStatus();
}

// Returns the number of bytes written. Writes the keypoints first, so that a clip that exists has
// its keypoints.
absl::StatusOr<int64_t> WriteClip(const DemoSetOptions& options, const DemoClass& demo,
                                  int64_t label, int number) {
  const DemoClip clip = demo.make(ClipSeed(options.seed, label, number));
  SLIMREEL_ASSIGN_OR_RETURN(
      const std::string video,
      EncodeMp4(clip.frames.data(), clip.num_frames, clip.width, clip.height, options.encoding));
  const std::string stem = absl::StrFormat("%s/%s/%s_s%d_%05d", options.output, demo.name,
                                           demo.name, options.seed, number);
  if (!clip.keypoints.empty()) {
    SLIMREEL_RETURN_IF_ERROR(Publish(stem + ".kpts.npy", clip.keypoints));
  }
  SLIMREEL_RETURN_IF_ERROR(Publish(stem + ".mp4", video));
  return static_cast<int64_t>(video.size() + clip.keypoints.size());
}

// What the threads share.
struct Work {
  Work(const DemoSetOptions& options, const std::vector<DemoClass>& classes)
      : options(options),
        classes(classes),
        total(static_cast<int64_t>(classes.size()) * options.clips_per_class) {}

  void Run() {
    for (int64_t i = next++; i < total; i = next++) {
      const int64_t label = i / options.clips_per_class;
      const absl::StatusOr<int64_t> bytes =
          WriteClip(options, classes[label], label, static_cast<int>(i % options.clips_per_class));
      const std::lock_guard<std::mutex> lock(mutex);
      if (!bytes.ok()) {
        next = total;  // the other threads stop after their present clip
        if (first_error.ok()) first_error = bytes.status();
        return;
      }
      ++summary.clips;
      summary.bytes += *bytes;
      if (options.on_progress) options.on_progress(summary.clips, total);
    }
  }

  const DemoSetOptions& options;
  const std::vector<DemoClass>& classes;
  const int64_t total;
  std::atomic<int64_t> next = 0;
  std::mutex mutex;  // guards the members below
  absl::Status first_error;
  DemoSetSummary summary;
};

}  // namespace

absl::StatusOr<DemoSetSummary> WriteDemoSet(const DemoSetOptions& options) {
  if (options.output.empty()) {
    return absl::InvalidArgumentError("no output folder given; write --output=DIR");
  }
  if (options.clips_per_class < 1 || options.clips_per_class > kMaxClipsPerClass) {
    return absl::InvalidArgumentError(absl::StrCat("clips_per_class is ", options.clips_per_class,
                                                   "; allowed: 1 to ", kMaxClipsPerClass));
  }
  const std::vector<DemoClass> classes = ClassesOf(options);
  SLIMREEL_RETURN_IF_ERROR(MakeClassFolders(options.output, classes));
  Work work(options, classes);
  std::vector<std::thread> threads;
  for (int i = 1; i < options.num_threads; ++i) threads.emplace_back([&work] { work.Run(); });
  work.Run();
  for (std::thread& thread : threads) thread.join();
  if (!work.first_error.ok()) return work.first_error;
  work.summary.classes = static_cast<int64_t>(classes.size());
  return work.summary;
}

}  // namespace slimreel
