// Whisper (Radford et al. 2022), with the structure and the keys of Hugging Face's
// WhisperForConditionalGeneration. `proj_out` is the token embedding, so it is not stored again.
#ifndef MODELS_SPEECH_WHISPER_H_
#define MODELS_SPEECH_WHISPER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "memory/stage/stage.h"
#include "models/losses/loss.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct WhisperConfig {
  int64_t dim = 384;
  int64_t heads = 6;
  int64_t encoder_layers = 4;
  int64_t decoder_layers = 4;
  int64_t mels = 80;
  int64_t vocabulary = 51865;
  int64_t audio_positions = 1500;  // half the frames of the log-mel spectrogram
  int64_t text_positions = 448;
  int64_t pad_id = 50257;  // reading this token gives its embedding no gradient
};

WhisperConfig WhisperNano();  // two encoder and two decoder layers of width 128, for tests
WhisperConfig WhisperTiny();
WhisperConfig WhisperBase();
WhisperConfig WhisperSmall();
WhisperConfig WhisperMedium();
WhisperConfig WhisperLargeV2();
WhisperConfig WhisperLargeV3();
WhisperConfig WhisperTurbo();

struct WhisperStages {
  // encoder.embeddings, encoder.N.{attention, mlp}, encoder.norm, decoder.embeddings,
  // decoder.N.{attention, cross_attention, mlp}, decoder.norm:
  // {log_mel [B, mels, frames], tokens [B, L] int64} -> {states [B, L, C]}. Slot 1 hands on the
  // tokens in the encoder, and the encoder's states [B, frames / 2, C] in the decoder.
  std::vector<std::unique_ptr<Stage>> stages;
  std::unique_ptr<Loss> loss;  // shares the token embedding (tied)
};

// `frames` must be even and at most 2 audio_positions, L at most text_positions. It reads dropout,
// drop_path, label_smoothing, seed, dtype and device of the spec.
WhisperStages MakeWhisperStages(const WhisperConfig& config, const ModelSpec& spec);

// The encoder's position table [positions, dim] float32: the sines of t / 10000^(i / (dim / 2 - 1))
// for i < dim / 2, then their cosines (modeling_whisper.py, sinusoids). It is computed in float32,
// as in the reference.
at::Tensor AudioPositions(int64_t positions, int64_t dim);

}  // namespace slimreel

#endif  // MODELS_SPEECH_WHISPER_H_
