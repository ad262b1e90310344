// Builders of the models that read only frames.
#ifndef MODELS_FACTORY_RGB_MODELS_H_
#define MODELS_FACTORY_RGB_MODELS_H_

#include "models/spec/builder.h"

namespace slimreel {

// Inputs: {clips [B, 3, T, H, W]}. Stages: input, then those of the network.
ModelResult R3dNanoModel(const ModelSpec& spec);
ModelResult R3d18Model(const ModelSpec& spec);
ModelResult Mc3R18Model(const ModelSpec& spec);
ModelResult R2Plus1dR18Model(const ModelSpec& spec);
ModelResult ResNet18Model(const ModelSpec& spec);
ModelResult ResNet50Model(const ModelSpec& spec);
ModelResult SlowOnlyR50Model(const ModelSpec& spec);
ModelResult VideoVitNanoModel(const ModelSpec& spec);
ModelResult VideoVitTinyModel(const ModelSpec& spec);
ModelResult VideoVitSmallModel(const ModelSpec& spec);
ModelResult VideoVitBaseModel(const ModelSpec& spec);
ModelResult TimesformerBaseModel(const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_FACTORY_RGB_MODELS_H_
