// What the allocator costs and saves on the allocations of a training step, with
// each block written once, as kernels do: LibTorch's own allocator, freed blocks
// kept by size class (the usual design), and pages kept and moved (this project's).
//
//   bazel run //memory/tracking:allocator_benchmark
//
// `bytes_per_second`: allocated and written; `reserved_ratio`: highest resident
// set over the highest sum of live bytes.
#include <benchmark/benchmark.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/resident_set.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

// A step as a list of allocations (bytes > 0) and frees (bytes == 0) of slots.
struct Event {
  size_t slot;
  int64_t bytes;
};

class Trace {
 public:
  size_t Allocate(int64_t bytes) {
    events_.push_back({num_slots_, bytes});
    sizes_.push_back(bytes);
    allocated_ += bytes;
    live_ += bytes;
    peak_ = std::max(peak_, live_);
    return num_slots_++;
  }
  void Free(size_t slot) {
    events_.push_back({slot, 0});
    live_ -= sizes_[slot];
  }
  const std::vector<Event>& events() const { return events_; }
  size_t num_slots() const { return num_slots_; }
  int64_t allocated() const { return allocated_; }
  int64_t peak() const { return peak_; }

 private:
  std::vector<Event> events_;
  std::vector<int64_t> sizes_;
  size_t num_slots_ = 0;
  int64_t allocated_ = 0, live_ = 0, peak_ = 0;
};

// Forward keeps `saved` of every layer and needs `scratch` meanwhile; backward
// frees them from the last layer to the first, each with gradients of its sizes.
Trace MakeTrace(const std::vector<std::vector<int64_t>>& layers) {
  Trace trace;
  std::vector<std::vector<size_t>> saved;
  for (const auto& sizes : layers) {
    saved.emplace_back();
    for (int64_t bytes : sizes) {
      const size_t scratch = trace.Allocate(bytes / 3);
      saved.back().push_back(trace.Allocate(bytes));
      trace.Free(scratch);
    }
  }
  size_t gradient = trace.Allocate(layers.back().back());
  for (size_t layer = layers.size(); layer-- > 0;) {
    for (size_t n = layers[layer].size(); n-- > 0;) {
      const size_t next = trace.Allocate(layers[layer][n]);
      trace.Free(gradient);
      trace.Free(saved[layer][n]);
      gradient = next;
    }
  }
  trace.Free(gradient);
  return trace;
}

// r3d_18-like, 4 clips: sizes fall by 4 from one group of blocks to the next.
Trace ConvolutionTrace() {
  std::vector<std::vector<int64_t>> layers;
  int64_t bytes = 48 * kMiB;
  for (int group = 0; group < 4; ++group, bytes /= 3) {
    for (int block = 0; block < 2; ++block) layers.push_back({bytes, bytes, bytes, bytes / 2});
  }
  return MakeTrace(layers);
}

// Twelve blocks: norm, qkv, attention, projection, norm, hidden, GELU, output.
Trace TransformerTrace() {
  const int64_t width = 4 * kMiB + 4096;
  return MakeTrace(std::vector<std::vector<int64_t>>(
      12, {width, 3 * width, width, width, width, 4 * width, 4 * width, width}));
}

// The usual design, for comparison: freed blocks kept by size, in steps of an
// eighth of the power of two, and never given back.
class SizeClassAllocator {
 public:
  ~SizeClassAllocator() {
    for (auto& [size, blocks] : kept_) {
      for (void* block : blocks) std::free(block);
    }
  }
  void* Allocate(int64_t bytes) {
    std::vector<void*>& kept = kept_[ClassOf(bytes)];
    if (kept.empty()) return std::aligned_alloc(64, ClassOf(bytes));
    void* block = kept.back();
    kept.pop_back();
    return block;
  }
  void Free(void* block, int64_t bytes) { kept_[ClassOf(bytes)].push_back(block); }

 private:
  static int64_t ClassOf(int64_t bytes) {
    int64_t step = 64;
    while (step * 16 <= bytes) step *= 2;
    return (bytes + step - 1) / step * step;
  }
  std::map<int64_t, std::vector<void*>> kept_;
};

class TorchAllocator {
 public:
  explicit TorchAllocator(c10::Allocator* allocator) : allocator_(allocator) {}
  void* Allocate(int64_t bytes) { return allocator_->raw_allocate(bytes); }
  void Free(void* block, int64_t /*bytes*/) { allocator_->raw_deallocate(block); }

 private:
  c10::Allocator* allocator_;
};

template <typename Allocator>
void Replay(const Trace& trace, Allocator& allocator) {
  std::vector<void*> blocks(trace.num_slots());
  std::vector<int64_t> sizes(trace.num_slots());
  for (const Event& event : trace.events()) {
    if (event.bytes == 0) {
      allocator.Free(blocks[event.slot], sizes[event.slot]);
      continue;
    }
    sizes[event.slot] = event.bytes;
    blocks[event.slot] = allocator.Allocate(event.bytes);
    std::memset(blocks[event.slot], 1, event.bytes);
  }
}

template <typename Allocator>
void Measure(benchmark::State& state, const Trace& trace, Allocator& allocator) {
  ReleaseKeptCpuBlocks();
  malloc_trim(0);  // what the benchmark before this one left in malloc's hands
  const int64_t before = ReadResidentSet().bytes;
  ResetPeakResidentSet();
  Replay(trace, allocator);  // the first step fills; the others show the steady state
  for (auto _ : state) Replay(trace, allocator);
  const double resident = static_cast<double>(ReadResidentSet().peak_bytes - before);
  state.SetBytesProcessed(state.iterations() * trace.allocated());
  state.counters["reserved_ratio"] = resident / static_cast<double>(trace.peak());
  ReleaseKeptCpuBlocks();
}

Trace TraceOf(const benchmark::State& state) {
  return state.range(0) == 0 ? ConvolutionTrace() : TransformerTrace();
}

void BM_LibTorch(benchmark::State& state) {
  TorchAllocator allocator(c10::GetDefaultCPUAllocator());
  Measure(state, TraceOf(state), allocator);
}
void BM_SizeClasses(benchmark::State& state) {
  SizeClassAllocator allocator;
  Measure(state, TraceOf(state), allocator);
}
void BM_PagesKept(benchmark::State& state) {
  TorchAllocator allocator(c10::GetCPUAllocator());
  Measure(state, TraceOf(state), allocator);
}
void BM_SmallLibTorch(benchmark::State& state) {
  TorchAllocator allocator(c10::GetDefaultCPUAllocator());
  for (auto _ : state) allocator.Free(allocator.Allocate(state.range(0)), 0);
}
void BM_Small(benchmark::State& state) {
  TorchAllocator allocator(c10::GetCPUAllocator());
  for (auto _ : state) allocator.Free(allocator.Allocate(state.range(0)), 0);
}

BENCHMARK(BM_LibTorch)->ArgName("transformer")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SizeClasses)->ArgName("transformer")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PagesKept)->ArgName("transformer")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SmallLibTorch)->ArgName("bytes")->Arg(64)->Arg(4096)->Arg(1 << 20);
BENCHMARK(BM_Small)->ArgName("bytes")->Arg(64)->Arg(4096)->Arg(1 << 20);

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
