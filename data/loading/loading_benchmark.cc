// Warm shard reading against memcpy of the same bytes, in the same run:
// interleaved pairs, the median ratio. `--json` prints one object.
//
//   loading_benchmark DIR   the shard folder; frames of at least 112 x 112
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "data/loading/loader.h"

namespace slimreel {
namespace {

constexpr int kPairs = 7;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

struct Pass {
  double seconds = 0;
  int64_t bytes = 0;
};

absl::StatusOr<Pass> LoadEpoch(Loader& loader) {
  Pass pass;
  const double start = Seconds();
  for (int64_t i = 0; i < loader.batches_per_epoch(); ++i) {
    absl::StatusOr<Batch> batch = loader.Next();
    if (!batch.ok()) return batch.status();
    pass.bytes += batch->bytes();
  }
  pass.seconds = Seconds() - start;
  return pass;
}

// Copies as many bytes between two buffers of a batch's size.
double CopySeconds(int64_t bytes, int64_t batch_bytes) {
  static std::vector<char> from(batch_bytes, 1);
  static std::vector<char> to(batch_bytes);
  const double start = Seconds();
  for (int64_t done = 0; done < bytes; done += batch_bytes) {
    std::memcpy(to.data(), from.data(), std::min(batch_bytes, bytes - done));
    asm volatile("" : : "r"(to.data()) : "memory");
  }
  return Seconds() - start;
}

int Run(const std::string& folder, bool json) {
  LoaderOptions options;
  options.sources = {folder};
  options.augment = {.random_crop = true};
  absl::StatusOr<std::unique_ptr<Loader>> loader = Loader::Open(options);
  if (!loader.ok()) {
    std::fprintf(stderr, "loading_benchmark: %s\n", loader.status().ToString().c_str());
    return 3;
  }
  const int64_t batch_bytes =
      3 * options.batch_size * options.num_frames * options.height * options.width;
  std::vector<double> ratios;
  std::vector<double> rates;
  for (int i = 0; i <= kPairs; ++i) {
    const absl::StatusOr<Pass> pass = LoadEpoch(**loader);
    if (!pass.ok()) {
      std::fprintf(stderr, "loading_benchmark: %s\n", pass.status().ToString().c_str());
      return 3;
    }
    const double copy = CopySeconds(pass->bytes, batch_bytes);
    if (i == 0) continue;  // brings the files into memory
    ratios.push_back(copy / pass->seconds);
    rates.push_back((*loader)->samples_per_epoch() / pass->seconds);
  }
  std::printf(json ? "{\"clips_per_second\": %.1f, \"speed_against_memcpy\": %.3f}\n"
                   : "clips per second %.1f, speed against memcpy %.3f (medians)\n",
              Median(rates), Median(ratios));
  return 0;
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
  return slimreel::Run(folder, json);
}
