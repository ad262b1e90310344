#include "trainer/benchmark/step_batch.h"

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <vector>

namespace slimreel {
namespace {

at::Tensor MakeInput(const Model& model, const InputSlot& slot, const ModelSpec& spec,
                     int64_t batch) {
  const std::vector<int64_t>& sizes = slot.sizes;
  switch (slot.kind) {
    case InputKind::kKeypoints: {  // slot sizes [M, T, V, 3] -> heatmaps [V, T, H, W]
      const bool alone = model.inputs.size() == 1;
      const int64_t height = alone ? kHeatmapSize : spec.height / kPixelsPerHeatmap;
      const int64_t width = alone ? kHeatmapSize : spec.width / kPixelsPerHeatmap;
      return at::rand({batch, sizes[2], sizes[1], height, width});
    }
    case InputKind::kTokens:
      return at::randint(model.num_classes, {batch, sizes[0]}, at::kLong);
    case InputKind::kFrames:
    case InputKind::kLogMel:
      break;
  }
  std::vector<int64_t> all{batch};
  all.insert(all.end(), sizes.begin(), sizes.end());
  return at::randn(all);
}

}  // namespace

StepBatch MakeStepBatch(const Model& model, const ModelSpec& spec, int64_t batch) {
  StepBatch made;
  std::vector<int64_t> labels{batch};
  for (const InputSlot& slot : model.inputs) {
    made.inputs.push_back(MakeInput(model, slot, spec, batch));
    if (slot.kind == InputKind::kTokens) labels.push_back(slot.sizes[0]);
  }
  made.targets = {at::randint(model.num_classes, labels, at::kLong)};
  return made;
}

}  // namespace slimreel
