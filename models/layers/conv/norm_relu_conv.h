// NormRelu and the convolutions of its activation as one unit, in a plain and in
// a lean form of the same bits.
//
// Both keep the raw outputs and the groups' statistics; the plain form also the activation
// and, with pooling, which value won (on the CPU a byte per output).
//
// The lean form is a custom autograd function: backward normalises the raw output
// again, at the price of a pass over it (see batch_norm_groups.h), and frees the
// activation before the gradient of the norm is made.
//
// Callers: the stages of convolutional networks.
#ifndef MODELS_LAYERS_CONV_NORM_RELU_CONV_H_
#define MODELS_LAYERS_CONV_NORM_RELU_CONV_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "memory/stage/stage.h"
#include "models/layers/conv/convolution.h"
#include "models/layers/conv/norm_relu.h"

namespace slimreel {

// {raw outputs, as NormRelu takes them} -> {conv(activation) of each of `convs`, and
// the activation itself with `give_activation`}. At most two outputs: the sum of
// three gradients would depend on the engine's order. context.lean chooses the
// form where norm.can_rebuild(). The layers must outlive the graph.
Tensors NormReluConv(NormRelu& norm, const std::vector<const Convolution*>& convs,
                     bool give_activation, const StageContext& context, const Tensors& raw);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_NORM_RELU_CONV_H_
