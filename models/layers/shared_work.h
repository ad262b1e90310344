// Loops over values on the CPU whose pieces are shared among threads.
//
// Threading: runs in ATen's threads (torch::set_num_threads, OMP_NUM_THREADS), which
// include the caller's.
#ifndef MODELS_LAYERS_SHARED_WORK_H_
#define MODELS_LAYERS_SHARED_WORK_H_

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace slimreel {

// Calls body(i) once for each i < count, in no fixed order. A piece reads or writes about
// `values` values. If there are few values in total, the caller's thread does all pieces.
// Each thread takes the next piece when it is free, while at::parallel_for assigns pieces
// beforehand; so the other threads do not wait for a slow core. After all threads have
// finished, the first exception that body threw is rethrown. Calls from inside a piece run
// in one thread.
void ForEachPiece(int64_t count, int64_t values, c10::function_ref<void(int64_t)> body);

}  // namespace slimreel

#endif  // MODELS_LAYERS_SHARED_WORK_H_
