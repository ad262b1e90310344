// Tells whether an attempt ran out of memory: by the type of the exception that ended it, and by
// what the allocators refused meanwhile. A library that gets no memory may raise an error of its
// own type, or none: cuDNN then takes another algorithm, which may give other bits.
//
// Threading: an object belongs to one thread, but it counts the refusals of all threads, because
// autograd's threads work for the attempt too. Ownership: plain values.
#ifndef MEMORY_RECOVERY_ATTEMPT_WATCH_H_
#define MEMORY_RECOVERY_ATTEMPT_WATCH_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <exception>

namespace slimreel {

enum class AttemptEnd {
  kNoError,
  kOutOfMemory,  // an exception that IsOutOfMemory recognises
  kOtherError,   // any other exception
};

// What was refused during an attempt.
struct AttemptRefusals {
  int64_t host = 0;         // by the CPU's allocator
  int64_t accelerator = 0;  // by the accelerator's; 0 if the attempt ran on the CPU
};

// The rule, over plain values. Another error counts as out of memory if anything was refused. An
// attempt without an error counts as out of memory if the accelerator refused something. On the
// CPU it fitted: we know of no CPU code that takes another way after a refusal.
bool RanOutOfMemory(AttemptEnd end, const AttemptRefusals& refusals);

// Construct it before the attempt. An attempt must not contain another one: what the inner one
// has handled would count against the outer one.
class AttemptWatch {
 public:
  explicit AttemptWatch(at::Device device);
  AttemptRefusals Refusals() const;  // since construction

  bool RanOutOfMemory(AttemptEnd end) const { return slimreel::RanOutOfMemory(end, Refusals()); }
  // The same for an attempt that `error` ended. Call it inside the catch block. It logs the text of
  // an error that counts as out of memory only because of the refusals.
  bool RanOutOfMemory(const std::exception& error) const;

 private:
  at::Device device_;
  AttemptRefusals before_;
};

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_ATTEMPT_WATCH_H_
