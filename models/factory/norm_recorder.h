// Notes what the BatchNorms see that ATen runs, whichever stage asks for them.
//
// Caller: description. Notes what its own thread calls while it lives; one at a time.
#ifndef MODELS_FACTORY_NORM_RECORDER_H_
#define MODELS_FACTORY_NORM_RECORDER_H_

#include <ATen/record_function.h>

#include <cstdint>

namespace slimreel {

class NormRecorder {
 public:
  NormRecorder();
  ~NormRecorder();
  NormRecorder(const NormRecorder&) = delete;
  NormRecorder& operator=(const NormRecorder&) = delete;

  // Fewest values of a channel that a call saw; 0: there was no call.
  int64_t fewest_values() const;

 private:
  at::CallbackHandle handle_;
};

}  // namespace slimreel

#endif  // MODELS_FACTORY_NORM_RECORDER_H_
