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

#include "models/stage/stage.h"

namespace slimreel {

// What one sample of the model's first input slot looks like.
struct InputSpec {
  int64_t num_frames = 16;
  int64_t height = 112;
  int64_t width = 112;
  std::array<float, 3> mean{0.0f, 0.0f, 0.0f};  // of pixels scaled to 0..1
  std::array<float, 3> std{1.0f, 1.0f, 1.0f};
};

struct Model {
  std::string name;
  InputSpec input;
  int64_t num_classes = 0;
  // Input tuple of stage 0: {clips [B, 3, T, H, W] uint8 or already normalised
  // floats}. The first stage turns uint8 into normalised floats. The last stage's
  // output tuple is {logits [B, num_classes]}.
  std::vector<std::unique_ptr<Stage>> stages;
  // {logits} + context.targets -> {loss sum / context.loss_denominator, a scalar}.
  std::unique_ptr<Stage> loss;

  // Stages as the executor takes them, without and with the loss.
  std::vector<Stage*> Chain() const;
  std::vector<Stage*> ChainWithLoss() const;
};

// Each tied parameter once, in chain order.
std::vector<NamedTensor> Parameters(const Model& model);
std::vector<NamedTensor> Buffers(const Model& model);

}  // namespace slimreel

#endif  // MODELS_CHAIN_MODEL_H_
