// Compares reading random samples of warm shards with memcpy of the same bytes from
// memory. It runs both in turn, several times, and prints the median ratio. A sample
// is opened as the loader opens it, and its frames are copied into a batch buffer.
// It makes its own shards; with --folder it reads an existing dataset.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/paired_timing.h"
#include "base/status_macros.h"
#include "base/temporary_folder.h"
#include "data/shard/shard_reader.h"
#include "data/shard/shard_writer.h"

namespace slimreel {
namespace {

constexpr int64_t kHeight = 112, kWidth = 112, kFrames = 16;  // 602 kB a sample
constexpr int64_t kSamples = 256;
constexpr int kPairs = 9;
constexpr size_t kBatch = 8;  // samples in the target buffer

absl::Status MakeShards(const std::string& folder) {
  ShardWriterOptions options;
  options.folder = folder;
  SLIMREEL_ASSIGN_OR_RETURN(const auto writer, ShardWriter::Create(options));
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
    SLIMREEL_RETURN_IF_ERROR(writer->Add(sample));
  }
  return writer->Flush();
}

// Copies all samples, in random order, into the slots of one batch: from the shards,
// or from copies in memory.
class Reading {
 public:
  static absl::StatusOr<Reading> Open(const ShardDataset* dataset) {
    Reading reading;
    reading.dataset_ = dataset;
    for (int64_t i = 0; i < dataset->num_samples(); ++i) {
      SLIMREEL_ASSIGN_OR_RETURN(const FramesView frames, dataset->Frames(i));
      reading.copies_.emplace_back(frames.data, frames.data + frames.bytes());
      reading.slot_ = std::max(reading.slot_, reading.copies_.back().size());
      reading.bytes_ += reading.copies_.back().size();
      reading.order_.push_back(i);
    }
    std::shuffle(reading.order_.begin(), reading.order_.end(), std::mt19937(0));
    reading.batch_.resize(kBatch * reading.slot_);
    return reading;
  }

  size_t bytes() const { return bytes_; }

  absl::Status FromShards() {
    for (size_t n = 0; n < order_.size(); ++n) {
      SLIMREEL_ASSIGN_OR_RETURN(const FramesView frames, dataset_->Frames(order_[n]));
      std::memcpy(Slot(n), frames.data, static_cast<size_t>(frames.bytes()));
    }
    return absl::OkStatus();
  }

  absl::Status FromMemory() {
    for (size_t n = 0; n < order_.size(); ++n) {
      const std::vector<uint8_t>& copy = copies_[static_cast<size_t>(order_[n])];
      std::memcpy(Slot(n), copy.data(), copy.size());
    }
    return absl::OkStatus();
  }

 private:
  uint8_t* Slot(size_t n) { return batch_.data() + n % kBatch * slot_; }

  const ShardDataset* dataset_ = nullptr;
  std::vector<std::vector<uint8_t>> copies_;
  std::vector<int64_t> order_;
  std::vector<uint8_t> batch_;
  size_t slot_ = 0, bytes_ = 0;
};

absl::Status Run(const std::string& folder, bool json) {
  SLIMREEL_ASSIGN_OR_RETURN(const auto dataset, ShardDataset::Open(folder, "train"));
  SLIMREEL_ASSIGN_OR_RETURN(Reading reading, Reading::Open(dataset.get()));
  SLIMREEL_ASSIGN_OR_RETURN(
      const PairedTimes times,
      TimePairs(
          kPairs, [&] { return reading.FromShards(); }, [&] { return reading.FromMemory(); }));
  const double ratio = MedianOfSorted(times.speeds);
  const double rate = static_cast<double>(dataset->num_samples()) / MedianOfSorted(times.seconds);
  if (json) {
    const nlohmann::json result = {{"benchmark", "shard_read_vs_memcpy"},
                                   {"ratio", ratio},
                                   {"target", 0.8},
                                   {"samples_per_second", rate},
                                   {"pairs", kPairs},
                                   {"bytes_per_pass", reading.bytes()}};
    std::printf("%s\n", result.dump().c_str());
  } else {
    std::printf(
        "shard reading: %.3f of memcpy's speed (median of %d pairs, target >= 0.8), "
        "%.0f samples/s\n",
        ratio, kPairs, rate);
  }
  return absl::OkStatus();
}

absl::Status MakeAndRun(bool json) {
  SLIMREEL_ASSIGN_OR_RETURN(const auto made, TemporaryFolder::Create("shard_benchmark"));
  SLIMREEL_RETURN_IF_ERROR(MakeShards(made->path()));
  return Run(made->path(), json);
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
  const absl::Status status =
      folder.empty() ? slimreel::MakeAndRun(json) : slimreel::Run(folder, json);
  if (!status.ok()) {
    std::fprintf(stderr, "shard_benchmark: %s\n", std::string(status.message()).c_str());
  }
  return status.ok() ? 0 : 1;
}
