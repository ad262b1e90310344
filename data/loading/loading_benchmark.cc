// Compares the speed of loading warm shards with memcpy of the same bytes. It runs
// both in turn, several times, and prints the median ratio; `--json` prints a JSON object.
//
//   loading_benchmark [--json] DIR   shard folder with frames of at least 112 x 112
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/paired_timing.h"
#include "base/status_macros.h"
#include "data/loading/loader.h"

namespace slimreel {
namespace {

constexpr int kPairs = 7;

absl::Status LoadEpoch(Loader* loader, int64_t* bytes) {
  *bytes = 0;
  for (int64_t i = 0; i < loader->batches_per_epoch(); ++i) {
    SLIMREEL_ASSIGN_OR_RETURN(const Batch batch, loader->Next());
    *bytes += batch.bytes();
  }
  return absl::OkStatus();
}

// Copies `bytes` bytes in total between two buffers of a batch's size.
absl::Status Copy(int64_t bytes, const std::vector<char>& from, std::vector<char>* to) {
  const auto batch_bytes = static_cast<int64_t>(from.size());
  for (int64_t done = 0; done < bytes; done += batch_bytes) {
    std::memcpy(to->data(), from.data(), std::min(batch_bytes, bytes - done));
    asm volatile("" : : "r"(to->data()) : "memory");
  }
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder, bool json) {
  LoaderOptions options;
  options.sources = {folder};
  options.augment = {.random_crop = true};
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader, Loader::Open(options));
  const std::vector<char> from(
      3 * options.batch_size * options.num_frames * options.height * options.width, 1);
  std::vector<char> to(from.size());
  int64_t bytes = 0;
  SLIMREEL_ASSIGN_OR_RETURN(const PairedTimes times,
                            TimePairs(
                                kPairs, [&] { return LoadEpoch(loader.get(), &bytes); },
                                [&] { return Copy(bytes, from, &to); }));
  const double rate =
      static_cast<double>(loader->samples_per_epoch()) / MedianOfSorted(times.seconds);
  std::printf(json ? "{\"clips_per_second\": %.1f, \"speed_against_memcpy\": %.3f}\n"
                   : "clips per second %.1f, speed against memcpy %.3f (medians)\n",
              rate, MedianOfSorted(times.speeds));
  return absl::OkStatus();
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  std::string folder;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--json") {
      json = true;
    } else {
      folder = argv[i];
    }
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: loading_benchmark [--json] DIR\n");
    return 2;
  }
  const absl::Status status = slimreel::Run(folder, json);
  if (!status.ok()) {
    std::fprintf(stderr, "loading_benchmark: %s\n", std::string(status.message()).c_str());
  }
  return status.ok() ? 0 : 3;
}
