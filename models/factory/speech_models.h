// Builders of the models that read log-mel spectrograms and tokens.
#ifndef MODELS_FACTORY_SPEECH_MODELS_H_
#define MODELS_FACTORY_SPEECH_MODELS_H_

#include "models/spec/builder.h"

namespace slimreel {

// Inputs: {log_mel [B, mels, frames] float, tokens [B, L] int64}. The model's num_classes is the
// size of the vocabulary; spec.num_classes is ignored.
ModelResult WhisperNanoModel(const ModelSpec& spec);
ModelResult WhisperTinyModel(const ModelSpec& spec);
ModelResult WhisperBaseModel(const ModelSpec& spec);
ModelResult WhisperSmallModel(const ModelSpec& spec);
ModelResult WhisperMediumModel(const ModelSpec& spec);
ModelResult WhisperLargeV2Model(const ModelSpec& spec);
ModelResult WhisperLargeV3Model(const ModelSpec& spec);
ModelResult WhisperTurboModel(const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_FACTORY_SPEECH_MODELS_H_
