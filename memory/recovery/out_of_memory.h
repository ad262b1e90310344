// Tells whether an exception means out of memory, by its type and never by its message.
#ifndef MEMORY_RECOVERY_OUT_OF_MEMORY_H_
#define MEMORY_RECOVERY_OUT_OF_MEMORY_H_

#include <exception>

namespace slimreel {

// True for c10::OutOfMemoryError (this project's allocator, accelerators), std::bad_alloc, and
// oneDNN's error with the status "out of memory". Call it inside a catch block, keep the answer,
// and leave the block before you act on it: a live exception keeps tensors alive.
bool IsOutOfMemory(const std::exception& error);

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_OUT_OF_MEMORY_H_
