// A model: a chain of stages, the loss stage that ends it in training, and what
// the trainer must know to feed it. Made by models/factory.
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

// What a slot of stage 0's input tuple carries, for a batch of B samples.
enum class InputKind {
  kFrames,     // [B, 3, T, H, W] uint8 RGB, or floats that are normalised already
  kKeypoints,  // [B, M, T, V, 3] float32 x, y (heatmap pixels), score; or heatmaps [B, V, T, H, W]
  kLogMel,     // [B, mels, frames] float32
  kTokens,     // [B, L] int64: what the decoder reads
};

struct InputSlot {
  InputKind kind = InputKind::kFrames;
  std::vector<int64_t> sizes;  // of one sample, without B
};

// What clips of frames look like, for models that take them.
struct ClipSpec {
  int64_t num_frames = 16;
  int64_t height = 112;
  int64_t width = 112;
  std::array<float, 3> mean{0.0f, 0.0f, 0.0f};  // of pixels scaled to 0..1
  std::array<float, 3> std{1.0f, 1.0f, 1.0f};
};

struct Model {
  std::string name;
  ClipSpec clip;
  std::vector<InputSlot> inputs;  // one per slot of stage 0's input tuple
  int64_t num_classes = 0;        // speech: size of the vocabulary
  // Stage 0 turns what batches carry (bytes, keypoints) into what the network reads.
  // The last stage gives {logits [B, num_classes]}, one such slot per head; speech
  // gives {states [B, L, C]}, whose logits its loss makes in pieces.
  std::vector<std::unique_ptr<Stage>> stages;
  // The last stage's tuple + context.targets -> {loss sum / context.loss_denominator, a
  // scalar}. Classification: targets {labels [B] int64}, -1 where a sample has none.
  std::unique_ptr<Loss> loss;

  // Stages as the executor takes them, without and with the loss.
  std::vector<Stage*> Chain() const;
  std::vector<Stage*> ChainWithLoss() const;
};

// Each tied parameter once, in chain order.
std::vector<NamedTensor> Parameters(const Model& model);
std::vector<NamedTensor> Buffers(const Model& model);

}  // namespace slimreel

#endif  // MODELS_CHAIN_MODEL_H_
