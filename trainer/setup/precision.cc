#include "trainer/setup/precision.h"

namespace slimreel {

at::ScalarType ParameterDtype(Precision precision) {
  return precision == Precision::k64 ? at::kDouble : at::kFloat;
}

std::optional<at::ScalarType> AutocastDtype(Precision precision) {
  switch (precision) {
    case Precision::k16:
      return at::kHalf;
    case Precision::kBf16:
      return at::kBFloat16;
    case Precision::k32:
    case Precision::k64:
      break;
  }
  return std::nullopt;
}

std::optional<LossScaleOptions> LossScaleFor(Precision precision) {
  if (precision != Precision::k16) return std::nullopt;
  return LossScaleOptions();
}

std::string SlowPrecisionWarning(Precision precision, at::Device device) {
  if (!device.is_cpu() || !AutocastDtype(precision)) return "";
#if defined(__x86_64__)
  const bool fast = precision == Precision::kBf16 ? __builtin_cpu_supports("avx512bf16")
                                                  : __builtin_cpu_supports("avx512fp16");
#else
  const bool fast = false;
#endif
  if (fast) return "";
  return "this processor has no instructions for the half precision of trainer.precision: results "
         "are right, but the run is many times slower than with trainer.precision=32";
}

}  // namespace slimreel
