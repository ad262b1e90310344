// For tests: a small model of each family, with the options that make it draw and weigh, and a
// training batch for it.
#ifndef MODELS_FACTORY_NANO_FAMILIES_H_
#define MODELS_FACTORY_NANO_FAMILIES_H_

#include <ATen/ops/tensor.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "models/factory/factory.h"
#include "models/testing/formula.h"

namespace slimreel {

inline constexpr int64_t kNanoBatch = 3, kNanoHeatmap = 8;

struct NanoModel {
  const char* name;
  std::function<void(ModelSpec*)> change = [](ModelSpec*) {};
};

inline std::unique_ptr<Model> BuildNano(const NanoModel& nano) {
  ModelSpec spec;
  spec.name = nano.name;
  spec.num_classes = 4;
  spec.num_frames = 4;
  spec.height = spec.width = 32;
  spec.heatmap_size = kNanoHeatmap;
  spec.audio_frames = 20;
  spec.text_tokens = 8;
  spec.dropout = 0.3;
  nano.change(&spec);
  return BuildModel(spec).value();
}

inline std::vector<NanoModel> NanoFamilies() {
  return {{"r3d_nano",
           [](ModelSpec* spec) {
             spec->class_weights = {1, 2, 3, 4};
           }},
          {"resnet18", [](ModelSpec* spec) { spec->temporal_pooling = TemporalPooling::kLstm; }},
          {"posec3d_nano"},
          {"rgbposeconv3d_nano",
           [](ModelSpec* spec) {
             spec->fusion = StreamFusion::kCrossAttention;
             spec->drop_path = 0.5;
             spec->class_weights = {1, 2, 3, 4};
           }},
          {"video_vit_nano", [](ModelSpec* spec) { spec->drop_path = 0.5; }},
          {"whisper_nano", [](ModelSpec* spec) { spec->drop_path = 0.5; }}};
}

inline void PrintTo(const NanoModel& nano, std::ostream* out) { *out << nano.name; }

// Frames are bytes; poses are ready heatmaps, because keypoints are drawn on the host.
struct NanoBatch {
  Tensors inputs;
  Tensors targets;
};

inline NanoBatch MakeNanoBatch(const Model& model, at::Device device) {
  NanoBatch batch;
  at::Tensor labels = at::tensor({0, 3, 1}, at::kLong);
  for (const InputSlot& slot : model.inputs) {
    std::vector<int64_t> sizes{kNanoBatch};
    sizes.insert(sizes.end(), slot.sizes.begin(), slot.sizes.end());
    at::ScalarType type = at::kFloat;
    if (slot.kind == InputKind::kFrames) type = at::kByte;
    if (slot.kind == InputKind::kTokens) {
      type = at::kLong;
      labels = FormulaTensor("labels", sizes).abs().mul(100).to(at::kLong);
    }
    if (slot.kind == InputKind::kKeypoints) {
      sizes = {kNanoBatch, slot.sizes[2], slot.sizes[1], kNanoHeatmap, kNanoHeatmap};
    }
    batch.inputs.push_back(FormulaTensor("input", sizes).abs().mul(100).to(type).to(device));
  }
  batch.targets.push_back(labels.to(device));
  return batch;
}

// Of a training step on `batch`, which must outlive it.
inline StageContext NanoContext(const NanoBatch& batch) {
  StageContext context;
  context.seed = 11;
  context.step = 3;
  context.training = true;
  context.targets = &batch.targets;
  return context;
}

// All tensors that the stages of a model list, each once.
inline std::vector<NamedTensor> ListedTensors(const Model& model) {
  std::vector<NamedTensor> all = Parameters(model);
  for (const auto& list : {Buffers(model), Constants(model)}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

}  // namespace slimreel

#endif  // MODELS_FACTORY_NANO_FAMILIES_H_
