#include "trainer/setup/predict_setup.h"

#include "trainer/setup/precision.h"

namespace slimreel {

PredictOptions MakePredictOptions(const Config& config, const FramePreparation& preparation,
                                  const HostMemory& host, at::Device device) {
  const Ceiling ceiling = WorkingCeiling(host, config.memory.host_budget, "memory.host_budget");
  return {.preparation = preparation,
          .data = config.data,
          .evaluation = config.evaluation,
          .max_decoded_frame_bytes = ceiling.bytes / 4,
          .device = device,
          .autocast = AutocastDtype(config.trainer.precision)};
}

}  // namespace slimreel
