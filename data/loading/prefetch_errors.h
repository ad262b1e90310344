// What a PrefetchQueue says if an item or a thread cannot be made.
//
// Threading: free functions without state.
#ifndef DATA_LOADING_PREFETCH_ERRORS_H_
#define DATA_LOADING_PREFETCH_ERRORS_H_

#include <cstdint>
#include <exception>

#include "absl/status/status.h"

namespace slimreel {

// The error of batch `number`, whose making threw `error`. ResourceExhausted: no host memory was
// left. Internal: any other exception.
absl::Status BatchError(int64_t number, const std::exception& error);

// Logs once per process that only `started` of `wanted` threads could be started.
void WarnOfMissingThreads(int64_t started, int64_t wanted, const std::exception& error);

}  // namespace slimreel

#endif  // DATA_LOADING_PREFETCH_ERRORS_H_
