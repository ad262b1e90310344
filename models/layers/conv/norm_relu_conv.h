// NormRelu and the convolutions of its activation as one unit, in a plain and a lean
// form with the same bits.
//
// Both forms keep the raw outputs and the groups' statistics. The plain form also keeps the
// activation and, with pooling, which value won (on the CPU one byte per output).
//
// The lean form is a custom autograd function. Its backward normalises the raw output
// again, which costs a pass over it (see batch_norm_groups.h), and frees the activation
// before it makes the gradient of the norm.
//
// Threading: as the owning stage.
#ifndef MODELS_LAYERS_CONV_NORM_RELU_CONV_H_
#define MODELS_LAYERS_CONV_NORM_RELU_CONV_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "memory/stage/stage.h"
#include "models/layers/conv/convolution.h"
#include "models/layers/conv/norm_relu.h"

namespace slimreel {

// {raw outputs, as NormRelu takes them} -> {conv(activation) for each of `convs`, and with
// `give_activation` the activation itself}. At most two outputs, because the sum of three
// gradients would depend on the order of the autograd engine. context.lean selects the lean
// form if norm.can_rebuild(). The layers must outlive the graph.
Tensors NormReluConv(NormRelu& norm, const std::vector<const Convolution*>& convs,
                     bool give_activation, const StageContext& context, const Tensors& raw);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_NORM_RELU_CONV_H_
