// Reading random samples of warm shards against memcpy of the same bytes from
// memory in hand: interleaved pairs, the median of the ratios. The reader opens
// the sample as the loader does and copies its frames into a batch buffer.
// With --folder an existing dataset is read instead of a made one.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "data/shard/shard_reader.h"
#include "data/shard/shard_writer.h"

namespace slimreel {
namespace {

constexpr int64_t kHeight = 112, kWidth = 112, kFrames = 16;  // 602 kB a sample
constexpr int64_t kSamples = 256;
constexpr int kPairs = 9;
constexpr size_t kBatch = 8;  // samples of the buffer copied into

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

absl::Status MakeShards(const std::string& folder) {
  ShardWriterOptions options;
  options.folder = folder;
  auto writer = ShardWriter::Create(options);
  if (!writer.ok()) return writer.status();
  std::mt19937_64 random(0);
  std::vector<uint64_t> pixels(kFrames * kHeight * kWidth * 3 / 8);
  for (int64_t i = 0; i < kSamples; ++i) {
    for (uint64_t& word : pixels) word = random();
    Sample sample;
    sample.key = "sample_" + std::to_string(i);
    sample.source = sample.key;
    sample.height = kHeight;
    sample.width = kWidth;
    sample.frames = {{reinterpret_cast<const uint8_t*>(pixels.data()), kFrames}};
    if (const absl::Status status = (*writer)->Add(sample); !status.ok()) return status;
  }
  return (*writer)->Flush();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One pass over all samples in the given order; returns seconds.
double ReadPass(const ShardDataset& dataset, const std::vector<int64_t>& order,
                std::vector<uint8_t>* batch, size_t slot) {
  const double start = Seconds();
  size_t n = 0;
  for (const int64_t sample : order) {
    const auto frames = dataset.Frames(sample);
    if (!frames.ok()) std::abort();
    std::memcpy(batch->data() + (n++ % kBatch) * slot, frames->data,
                static_cast<size_t>(frames->bytes()));
  }
  return Seconds() - start;
}

double CopyPass(const std::vector<std::vector<uint8_t>>& copies, const std::vector<int64_t>& order,
                std::vector<uint8_t>* batch, size_t slot) {
  const double start = Seconds();
  size_t n = 0;
  for (const int64_t sample : order) {
    const std::vector<uint8_t>& copy = copies[static_cast<size_t>(sample)];
    std::memcpy(batch->data() + (n++ % kBatch) * slot, copy.data(), copy.size());
  }
  return Seconds() - start;
}

int Run(const std::string& folder, bool json) {
  const auto opened = ShardDataset::Open(folder, "train");
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().ToString().c_str());
    return 1;
  }
  const ShardDataset& dataset = **opened;
  std::vector<std::vector<uint8_t>> copies;
  std::vector<int64_t> order;
  size_t slot = 0, bytes = 0;
  for (int64_t i = 0; i < dataset.num_samples(); ++i) {
    const auto frames = dataset.Frames(i);
    if (!frames.ok()) return 1;
    copies.emplace_back(frames->data, frames->data + frames->bytes());
    slot = std::max(slot, copies.back().size());
    bytes += copies.back().size();
    order.push_back(i);
  }
  std::vector<uint8_t> batch(kBatch * slot);
  std::mt19937 random(0);
  std::vector<double> ratios, rates;
  for (int pair = -1; pair < kPairs; ++pair) {  // the first warms both up
    std::shuffle(order.begin(), order.end(), random);
    const bool read_first = pair % 2 == 0;
    double read = read_first ? ReadPass(dataset, order, &batch, slot) : 0;
    const double copy = CopyPass(copies, order, &batch, slot);
    if (!read_first) read = ReadPass(dataset, order, &batch, slot);
    if (pair < 0) continue;
    ratios.push_back(copy / read);
    rates.push_back(static_cast<double>(order.size()) / read);
  }
  const double ratio = Median(ratios), rate = Median(rates);
  if (json) {
    const nlohmann::json result = {
        {"benchmark", "shard_read_vs_memcpy"}, {"ratio", ratio},  {"target", 0.8},
        {"samples_per_second", rate},          {"pairs", kPairs}, {"bytes_per_pass", bytes}};
    std::printf("%s\n", result.dump().c_str());
  } else {
    std::printf(
        "shard reading: %.3f of memcpy's speed (median of %d pairs, target >= 0.8), "
        "%.0f samples/s\n",
        ratio, kPairs, rate);
  }
  return 0;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  bool json = false;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      json = true;
    } else if (argument.starts_with("--folder=")) {
      folder = argument.substr(9);
    } else {
      std::fprintf(stderr, "usage: shard_benchmark [--json] [--folder=SHARDS]\n");
      return 2;
    }
  }
  if (!folder.empty()) return slimreel::Run(folder, json);
  char made[] = "/tmp/slimreel_shard_benchmark.XXXXXX";
  if (mkdtemp(made) == nullptr) return 1;
  const absl::Status status = slimreel::MakeShards(made);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  const int code = status.ok() ? slimreel::Run(made, json) : 1;
  std::filesystem::remove_all(made);
  return code;
}
