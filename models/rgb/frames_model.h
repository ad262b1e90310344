// Around the stages of a network that reads frames alone: the input stage before
// them, the classification loss after them.
//
// Callers: builders of RGB models.
#ifndef MODELS_RGB_FRAMES_MODEL_H_
#define MODELS_RGB_FRAMES_MODEL_H_

#include <memory>

#include "models/rgb/pixel_statistics.h"
#include "models/spec/builder.h"

namespace slimreel {

// `network`: {normalised clips [B, 3, T, H, W]} -> ... -> {logits [B, K]}.
std::unique_ptr<Model> FramesModel(const ModelSpec& spec, const PixelStatistics& pixels,
                                   Stages network);

}  // namespace slimreel

#endif  // MODELS_RGB_FRAMES_MODEL_H_
