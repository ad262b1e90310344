// Records how many values the BatchNorm calls of ATen see, in any stage.
//
// Threading: records the calls of its own thread while it lives; one recorder per thread at a
// time.
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

  // The smallest number of values per channel in any call; 0: there was no call.
  int64_t fewest_values() const;

 private:
  at::CallbackHandle handle_;
};

}  // namespace slimreel

#endif  // MODELS_FACTORY_NORM_RECORDER_H_
