#include "trainer/planning/profile_batch.h"

#include <ATen/ops/zeros.h>

#include <vector>

namespace slimreel {
namespace {

at::ScalarType DtypeOf(InputKind kind) {
  switch (kind) {
    case InputKind::kFrames:
      return at::kByte;
    case InputKind::kTokens:
      return at::kLong;
    case InputKind::kKeypoints:
    case InputKind::kLogMel:
      break;
  }
  return at::kFloat;
}

}  // namespace

ProfileBatch MakeProfileBatch(const Model& model, int64_t samples, at::Device device) {
  ProfileBatch batch;
  std::vector<int64_t> labels = {samples};
  for (const InputSlot& slot : model.inputs) {
    std::vector<int64_t> sizes = {samples};
    sizes.insert(sizes.end(), slot.sizes.begin(), slot.sizes.end());
    batch.inputs.push_back(at::zeros(sizes, at::TensorOptions(DtypeOf(slot.kind)).device(device)));
    if (slot.kind == InputKind::kTokens) labels.push_back(slot.sizes.at(0));
  }
  batch.targets = {at::zeros(labels, at::TensorOptions(at::kLong).device(device))};
  return batch;
}

int64_t InputBytesPerSample(const Model& model) {
  int64_t bytes = 0;
  for (const InputSlot& slot : model.inputs) {
    auto of_slot = static_cast<int64_t>(c10::elementSize(DtypeOf(slot.kind)));
    for (int64_t size : slot.sizes) of_slot *= size;
    bytes += of_slot;
  }
  return bytes;
}

}  // namespace slimreel
