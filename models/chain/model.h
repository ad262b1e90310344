// A model: a chain of stages, the loss stage that ends the chain in training, and
// what the trainer needs to know to feed the model.
//
// Ownership: the model owns its stages. Threading: one thread at a time.
#ifndef MODELS_CHAIN_MODEL_H_
#define MODELS_CHAIN_MODEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "memory/stage/stage.h"
#include "models/losses/loss.h"

namespace slimreel {

// What one slot of stage 0's input tuple carries, for a batch of B samples.
enum class InputKind {
  kFrames,     // [B, 3, T, H, W]: uint8 RGB, or floats that are already normalised
  kKeypoints,  // [B, M, T, V, 3] float32 x, y (heatmap pixels), score; or heatmaps [B, V, T, H, W]
  kLogMel,     // [B, mels, frames] float32
  kTokens,     // [B, L] int64: tokens that the decoder reads
};

struct InputSlot {
  InputKind kind = InputKind::kFrames;
  std::vector<int64_t> sizes;  // of one sample, without B
};

// The clips of frames that a model reads: their size and pixel normalisation.
struct ClipSpec {
  int64_t num_frames = 16;
  int64_t height = 112;
  int64_t width = 112;
  std::array<float, 3> mean{0.0f, 0.0f, 0.0f};  // of pixels scaled to 0..1
  std::array<float, 3> std{1.0f, 1.0f, 1.0f};
};

struct Model {
  std::string name;
  ClipSpec clip;                  // of models that read frames
  std::vector<InputSlot> inputs;  // one per slot of stage 0's input tuple
  int64_t num_classes = 0;        // speech: size of the vocabulary
  // Stage 0 turns what batches carry (bytes, keypoints) into what the network reads.
  // The last stage gives {logits [B, num_classes]}, one such slot per head. Speech
  // models give {states [B, L, C]}; their loss makes the logits in pieces.
  std::vector<std::unique_ptr<Stage>> stages;
  // The last stage's tuple + context.targets -> {loss sum / context.loss_denominator, a
  // scalar}. Classification: targets are {labels [B] int64}; -1: the sample has no label.
  std::unique_ptr<Loss> loss;

  // The stages as the executor takes them, without and with the loss. Not owned.
  std::vector<Stage*> Chain() const;
  std::vector<Stage*> ChainWithLoss() const;
};

// All parameters, buffers or constants, in chain order. A tied tensor appears once. The loss
// counts too for constants only: its parameters are tied to a stage's.
std::vector<NamedTensor> Parameters(const Model& model);
std::vector<NamedTensor> Buffers(const Model& model);
std::vector<NamedTensor> Constants(const Model& model);

}  // namespace slimreel

#endif  // MODELS_CHAIN_MODEL_H_
