#include "models/rgb/frames_model.h"

#include <utility>

#include "models/losses/cross_entropy.h"
#include "models/rgb/input_stage.h"
#include "models/spec/spec_options.h"

namespace slimreel {

std::unique_ptr<Model> MakeFramesModel(const ModelSpec& spec, const PixelStatistics& pixels,
                                       Stages network) {
  auto model = std::make_unique<Model>();
  model->name = spec.name;
  model->clip = {spec.num_frames, spec.height, spec.width, pixels.mean, pixels.std};
  model->inputs = {{InputKind::kFrames, {3, spec.num_frames, spec.height, spec.width}}};
  model->num_classes = spec.num_classes;
  model->stages.push_back(
      std::make_unique<InputStage>(pixels.mean, pixels.std, MakeParameterOptions(spec)));
  for (std::unique_ptr<Stage>& stage : network) model->stages.push_back(std::move(stage));
  model->loss =
      std::make_unique<CrossEntropy>(spec.label_smoothing, spec.class_weights, spec.device);
  return model;
}

}  // namespace slimreel
