#include "models/layers/shared_work.h"

#include <ATen/Parallel.h>

#include <atomic>

// Without OpenMP, ATen's header silently runs everything in one thread.
#ifndef _OPENMP
#error "compile this file with -fopenmp"
#endif

namespace slimreel {
namespace {

constexpr int64_t kMinSharedValues = 32768;  // values; the bound of ATen's element-wise loops

}  // namespace

void ForEachPiece(int64_t count, int64_t values, c10::function_ref<void(int64_t)> body) {
  if (count <= 1 || count * values <= kMinSharedValues) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<int64_t> next{0};
  at::parallel_for(0, at::get_num_threads(), /*grain_size=*/1, [&](int64_t, int64_t) {
    for (int64_t i = next++; i < count; i = next++) body(i);
  });
}

}  // namespace slimreel
