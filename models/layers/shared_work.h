// Loops over values on the CPU that threads take piece by piece.
//
// Callers: batch_norm_groups, max_pool, dropout, models/pose:heatmap. Runs in ATen's threads
// (torch::set_num_threads, OMP_NUM_THREADS), the caller's included.
#ifndef MODELS_LAYERS_SHARED_WORK_H_
#define MODELS_LAYERS_SHARED_WORK_H_

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace slimreel {

// body(i) of each i < count, each once and in no order; a piece reads or writes about
// `values` values. Few values in all stay with the caller. Pieces are not dealt beforehand,
// as at::parallel_for deals them: a core that others slow down holds nobody up. The first
// exception that body throws is thrown on when all threads are done. Inside of a piece, one thread.
void ForEachPiece(int64_t count, int64_t values, c10::function_ref<void(int64_t)> body);

}  // namespace slimreel

#endif  // MODELS_LAYERS_SHARED_WORK_H_
