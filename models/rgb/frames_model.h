// Makes a model of a network that reads only frames: it adds the input stage before the network
// and the classification loss after it.
#ifndef MODELS_RGB_FRAMES_MODEL_H_
#define MODELS_RGB_FRAMES_MODEL_H_

#include <memory>

#include "models/rgb/pixel_statistics.h"
#include "models/spec/builder.h"

namespace slimreel {

// `network`: {normalised clips [B, 3, T, H, W]} -> ... -> {logits [B, K]}.
std::unique_ptr<Model> MakeFramesModel(const ModelSpec& spec, const PixelStatistics& pixels,
                                       Stages network);

}  // namespace slimreel

#endif  // MODELS_RGB_FRAMES_MODEL_H_
