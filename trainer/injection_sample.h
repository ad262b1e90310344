// Which allocations the injection tests make fail, and their main function.
//
//   --every=N   tries every N-th allocation, and the first and last five; 1: all
#ifndef TRAINER_INJECTION_SAMPLE_H_
#define TRAINER_INJECTION_SAMPLE_H_

#include <cstdint>

namespace slimreel {

// Whether a failure of allocation `nth` (from 0) of `count` is tried.
bool IsTried(int64_t nth, int64_t count);

// Reads the flag, whose default is `every`, and runs all tests with the tracking allocator.
int RunInjectionTests(int argc, char** argv, int64_t every);

}  // namespace slimreel

#endif  // TRAINER_INJECTION_SAMPLE_H_
