// Measures what an allocator costs and saves on the allocations of real training steps. It replays
// recorded traces through each design and writes every block once, as kernels do. Designs:
// LibTorch's own allocator (aligned malloc, free), freed blocks kept by size class (the usual
// design), pages kept and moved (this project's).
//
//   bazel run //memory/tracking:allocator_benchmark [-- [--json] [--rounds=N] [TRACE...]]
//
// A round replays the trace twice through each design in turn. It times the second replay, the
// steady state. Between designs, all kept memory goes back. A ratio is LibTorch's time divided by
// the design's time in the same round, as the median over the rounds.
// `resident`: highest resident set divided by the highest sum of live bytes.
#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "memory/tracking/allocation_trace.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/resident_set.h"

namespace slimreel {
namespace {

constexpr char kTraceFolder[] = "memory/tracking/testdata";

class Design {
 public:
  virtual ~Design() = default;
  virtual void* Allocate(int64_t bytes) = 0;
  virtual void Free(void* block, int64_t bytes) = 0;
};

class TorchDesign final : public Design {
 public:
  explicit TorchDesign(c10::Allocator* allocator) : allocator_(allocator) {}
  ~TorchDesign() override { ReleaseKeptCpuBlocks(); }
  void* Allocate(int64_t bytes) override { return allocator_->raw_allocate(bytes); }
  void Free(void* block, int64_t /*bytes*/) override { allocator_->raw_deallocate(block); }

 private:
  c10::Allocator* allocator_;
};

// Keeps freed blocks by size class. A class is an eighth of a power of two wide.
class SizeClassDesign final : public Design {
 public:
  ~SizeClassDesign() override {
    for (auto& [size, blocks] : kept_) {
      for (void* block : blocks) std::free(block);
    }
  }
  void* Allocate(int64_t bytes) override {
    std::vector<void*>& kept = kept_[ClassOf(bytes)];
    if (kept.empty()) return std::aligned_alloc(64, ClassOf(bytes));
    void* block = kept.back();
    kept.pop_back();
    return block;
  }
  void Free(void* block, int64_t bytes) override { kept_[ClassOf(bytes)].push_back(block); }

 private:
  static int64_t ClassOf(int64_t bytes) {
    int64_t step = 64;
    while (step * 16 <= bytes) step *= 2;
    return (bytes + step - 1) / step * step;
  }
  std::map<int64_t, std::vector<void*>> kept_;
};

const std::vector<std::string> kDesigns = {"libtorch", "size_classes", "pages"};

std::unique_ptr<Design> MakeDesign(const std::string& name) {
  if (name == "libtorch") return std::make_unique<TorchDesign>(c10::GetDefaultCPUAllocator());
  if (name == "pages") return std::make_unique<TorchDesign>(c10::GetCPUAllocator());
  return std::make_unique<SizeClassDesign>();
}

void Replay(const AllocationTrace& trace, Design& design) {
  std::vector<void*> blocks;
  std::vector<int64_t> sizes;
  for (const AllocationEvent& event : trace.events) {
    if (event.bytes == 0) {
      design.Free(blocks[event.block], sizes[event.block]);
      continue;
    }
    blocks.push_back(design.Allocate(event.bytes));
    sizes.push_back(event.bytes);
    std::memset(blocks.back(), 1, event.bytes);
  }
}

struct Measured {
  double ms = 0.0;
  double resident = 0.0;  // highest resident set / the trace's peak
};

Measured Measure(const AllocationTrace& trace, const std::string& name) {
  malloc_trim(0);  // gives back what the design before left in malloc
  const int64_t before = ReadResidentSet().bytes;
  ResetPeakResidentSet();
  const std::unique_ptr<Design> design = MakeDesign(name);
  Replay(trace, *design);
  const auto start = std::chrono::steady_clock::now();
  Replay(trace, *design);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  const auto resident = static_cast<double>(ReadResidentSet().peak_bytes - before);
  return {took.count(), resident / static_cast<double>(trace.peak_bytes())};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

nlohmann::ordered_json Compare(const AllocationTrace& trace, int rounds) {
  std::map<std::string, std::vector<double>> ms, ratio, resident;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& name : kDesigns) {
      const Measured measured = Measure(trace, name);
      ms[name].push_back(measured.ms);
      ratio[name].push_back(ms[kDesigns.front()].back() / measured.ms);
      resident[name].push_back(measured.resident);
    }
  }
  nlohmann::ordered_json result = {
      {"benchmark", "allocator"},         {"trace", trace.description},
      {"blocks", trace.num_blocks()},     {"allocated_bytes", trace.allocated_bytes()},
      {"peak_bytes", trace.peak_bytes()}, {"rounds", rounds}};
  for (const std::string& name : kDesigns) {
    result["designs"][name] = {{"ms", Median(ms[name])},
                               {"speed_of_libtorch", Median(ratio[name])},
                               {"resident", Median(resident[name])}};
  }
  return result;
}

void Print(const nlohmann::ordered_json& result) {
  std::cout << absl::StrFormat("allocations of %s (%d blocks, %.2f GB, peak %.2f GB), %d rounds\n",
                               result["trace"].get<std::string>(), result["blocks"].get<int64_t>(),
                               result["allocated_bytes"].get<double>() / 1e9,
                               result["peak_bytes"].get<double>() / 1e9,
                               result["rounds"].get<int>());
  for (const auto& [name, design] : result["designs"].items()) {
    std::cout << absl::StrFormat("  %-14s %8.1f ms   %5.2f x libtorch's speed   resident %.2f\n",
                                 name, design["ms"].get<double>(),
                                 design["speed_of_libtorch"].get<double>(),
                                 design["resident"].get<double>());
  }
}

std::vector<std::string> RecordedTraces() {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kTraceFolder, error)) {
    if (entry.path().extension() == ".trace") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

int Run(int argc, char** argv) {
  bool json = false;
  int rounds = 7;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--json") {
      json = true;
    } else if (absl::ConsumePrefix(&argument, "--rounds=")) {
      if (!absl::SimpleAtoi(argument, &rounds) || rounds < 1) return 2;
    } else {
      paths.emplace_back(argument);
    }
  }
  if (paths.empty()) paths = RecordedTraces();
  for (const std::string& path : paths) {
    const auto trace = ReadAllocationTrace(path);
    if (!trace.ok()) {
      std::cerr << trace.status().message() << "\n";
      return 1;
    }
    const auto result = Compare(*trace, rounds);
    if (json) {
      std::cout << result.dump() << "\n";
    } else {
      Print(result);
    }
  }
  return paths.empty() ? 1 : 0;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();
  return slimreel::Run(argc, argv);
}
