#include "models/factory/speech_models.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "models/speech/whisper.h"

namespace slimreel {
namespace {

ModelResult WhisperModel(const WhisperConfig& config, const ModelSpec& spec) {
  const int64_t most_frames = 2 * config.audio_positions;
  if (spec.audio_frames < 2 || spec.audio_frames > most_frames || spec.audio_frames % 2 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model ", spec.name, " takes an even number of spectrogram frames from 2 to ", most_frames,
        " (10 ms each), not ", spec.audio_frames, " (data.audio.window_seconds)"));
  }
  if (spec.text_tokens < 1 || spec.text_tokens > config.text_positions) {
    return absl::InvalidArgumentError(
        absl::StrCat("model ", spec.name, " takes transcripts of 1 to ", config.text_positions,
                     " tokens, not ", spec.text_tokens));
  }
  if (!spec.class_weights.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("model ", spec.name, " has no classes: remove train.class_weights"));
  }
  auto model = std::make_unique<Model>();
  model->name = spec.name;
  model->inputs = {{InputKind::kLogMel, {config.mels, spec.audio_frames}},
                   {InputKind::kTokens, {spec.text_tokens}}};
  model->num_classes = config.vocabulary;
  WhisperStages whisper = MakeWhisperStages(config, spec);
  model->stages = std::move(whisper.stages);
  model->loss = std::move(whisper.loss);
  return model;
}

}  // namespace

ModelResult WhisperNanoModel(const ModelSpec& spec) { return WhisperModel(WhisperNano(), spec); }
ModelResult WhisperTinyModel(const ModelSpec& spec) { return WhisperModel(WhisperTiny(), spec); }
ModelResult WhisperBaseModel(const ModelSpec& spec) { return WhisperModel(WhisperBase(), spec); }
ModelResult WhisperSmallModel(const ModelSpec& spec) { return WhisperModel(WhisperSmall(), spec); }
ModelResult WhisperMediumModel(const ModelSpec& spec) {
  return WhisperModel(WhisperMedium(), spec);
}
ModelResult WhisperLargeV2Model(const ModelSpec& spec) {
  return WhisperModel(WhisperLargeV2(), spec);
}
ModelResult WhisperLargeV3Model(const ModelSpec& spec) {
  return WhisperModel(WhisperLargeV3(), spec);
}
ModelResult WhisperTurboModel(const ModelSpec& spec) { return WhisperModel(WhisperTurbo(), spec); }

}  // namespace slimreel
