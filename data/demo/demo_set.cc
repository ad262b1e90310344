#include "data/demo/demo_set.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr int kMaxClipsPerClass = 1000000;

// The seed of one clip: distinct inputs give unrelated clips (SplitMix64's finaliser, chained).
uint64_t ClipSeed(uint64_t seed, Motion motion, int number) {
  uint64_t z = seed;
  for (const uint64_t part : {static_cast<uint64_t>(motion), static_cast<uint64_t>(number)}) {
    z += 0x9e3779b97f4a7c15ull * (part + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
  }
  return z;
}

absl::Status MakeClassFolders(const std::string& output) {
  for (const Motion motion : kMotions) {
    SLIMREEL_RETURN_IF_ERROR(MakeFolders(absl::StrCat(output, "/", MotionName(motion))));
  }
  return absl::OkStatus();
}

// Written aside and renamed, so that a killed run leaves no half-written clip under a
// clip's name. Not synced as base's WriteFileAtomically does: that took longer than drawing
// and encoding, and after a power cut the clips are made again in seconds.
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

// Returns the size of the file.
absl::StatusOr<int64_t> WriteClip(const DemoSetOptions& options, Motion motion, int number) {
  const MotionClipParameters parameters =
      DrawMotionClipParameters(motion, ClipSeed(options.seed, motion, number), options.clip);
  const std::vector<uint8_t> frames = RenderMotionClip(parameters, options.clip);
  SLIMREEL_ASSIGN_OR_RETURN(const std::string file,
                            EncodeMp4(frames.data(), options.clip.num_frames, options.clip.width,
                                      options.clip.height, options.encoding));
  const absl::string_view name = MotionName(motion);
  const std::string path =
      absl::StrFormat("%s/%s/%s_s%d_%05d.mp4", options.output, name, name, options.seed, number);
  SLIMREEL_RETURN_IF_ERROR(Publish(path, file));
  return static_cast<int64_t>(file.size());
}

// What the threads share.
struct Work {
  explicit Work(const DemoSetOptions& options)
      : options(options),
        total(static_cast<int64_t>(std::size(kMotions)) * options.clips_per_class) {}

  void Run() {
    for (int64_t i = next++; i < total; i = next++) {
      const Motion motion = kMotions[i / options.clips_per_class];
      const absl::StatusOr<int64_t> bytes =
          WriteClip(options, motion, static_cast<int>(i % options.clips_per_class));
      const std::lock_guard<std::mutex> lock(mutex);
      if (!bytes.ok()) {
        next = total;  // the other threads finish the clip in hand
        if (first_error.ok()) first_error = bytes.status();
        return;
      }
      ++summary.clips;
      summary.bytes += *bytes;
      if (options.on_progress) options.on_progress(summary.clips, total);
    }
  }

  const DemoSetOptions& options;
  const int64_t total;
  std::atomic<int64_t> next = 0;
  std::mutex mutex;  // guards what follows
  absl::Status first_error;
  DemoSetSummary summary;
};

}  // namespace

absl::StatusOr<DemoSetSummary> WriteDemoSet(const DemoSetOptions& options) {
  if (options.output.empty()) {
    return absl::InvalidArgumentError("no output folder given; say --output=DIR");
  }
  if (options.clips_per_class < 1 || options.clips_per_class > kMaxClipsPerClass) {
    return absl::InvalidArgumentError(absl::StrCat("clips_per_class is ", options.clips_per_class,
                                                   "; allowed: 1 to ", kMaxClipsPerClass));
  }
  SLIMREEL_RETURN_IF_ERROR(MakeClassFolders(options.output));
  Work work(options);
  std::vector<std::thread> threads;
  for (int i = 1; i < options.num_threads; ++i) threads.emplace_back([&work] { work.Run(); });
  work.Run();
  for (std::thread& thread : threads) thread.join();
  if (!work.first_error.ok()) return work.first_error;
  work.summary.classes = static_cast<int64_t>(std::size(kMotions));
  return work.summary;
}

}  // namespace slimreel
