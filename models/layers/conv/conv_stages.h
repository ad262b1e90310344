// Residual networks of convolutions as stages, cut at raw convolution outputs. A stage
// is {norm and ReLU of the previous convolution, the next convolution}, so each boundary
// is a tensor that the consumer's norm keeps anyway.
//
//   {x} -> stem -> {raw} -> first conv of a block -> {raw, shortcut} -> ... -> {raw, shortcut}
//
// The shortcut slot holds the activation that the block read, or the raw output of its
// 1x1 convolution. The stage that ends the stream (a head, laterals) applies the last norm.
//
// Threading: one thread, while a model is built.
#ifndef MODELS_LAYERS_CONV_CONV_STAGES_H_
#define MODELS_LAYERS_CONV_CONV_STAGES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/stage/stage.h"
#include "models/layers/conv/convolution.h"
#include "models/layers/conv/norm_relu.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

// Slots of other streams in the tuple, before and after the stage's own. Stages hand them on.
struct OtherSlots {
  int before = 0;
  int after = 0;
};

// A convolution and the norm of its output. The next stage owns the norm.
struct ConvNormShape {
  std::string stage;  // name of the convolution's stage
  std::string conv;   // key prefixes
  std::string norm;
  ConvolutionShape shape;
  double gamma = 1.0;  // initial weight of the norm
};

struct ResidualBlockShape {
  std::vector<ConvNormShape> convs;                      // ReLU between them
  std::optional<ConvNormShape> shortcut = std::nullopt;  // in the stage of the first one
};

// Makes the stages of one stream in order. Remembers the norm that the last raw output
// still needs, which belongs to the next stage.
class ConvStream {
 public:
  // items_per_sample: frames folded into the batch dimension.
  ConvStream(const ParameterOptions& options, int64_t items_per_sample)
      : options_(options), items_per_sample_(items_per_sample) {}

  // {x} or {raw} -> {raw}: a stem's convolution.
  std::unique_ptr<Stage> Conv(const ConvNormShape& conv, OtherSlots others = {});
  // The next stage max-pools what it reads.
  void PoolNext(const MaxPoolShape& pool);
  // One stage per convolution.
  std::vector<std::unique_ptr<Stage>> Block(const ResidualBlockShape& block,
                                            OtherSlots others = {});
  // The norm that the last raw output still needs; the caller's stage applies it. The next
  // stage reads `num_activations` activations, concatenated over channels.
  NormReluShape TakeNorm(int num_activations = 1);

  // Slots that this stream has in the tuple now.
  int slots() const;

 private:
  ParameterOptions options_;
  int64_t items_per_sample_;
  std::optional<NormReluShape> pending_norm_;  // none: the stream holds activations
  int num_activations_ = 1;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_CONV_STAGES_H_
