// From the output of a model to one row of scores per clip.
//
// Threading: a free function without state.
#ifndef TRAINER_EVALUATION_SCORES_H_
#define TRAINER_EVALUATION_SCORES_H_

#include <ATen/core/Tensor.h>

#include "memory/stage/stage.h"

namespace slimreel {

// `outputs`: the last stage's tuple, with a slot of logits [B, classes] per head, on any device and
// of any float type. Returns [B, classes] float64 on the CPU. With one head these are its logits.
// With several heads they are the logarithm of the mean of the heads' softmaxes, all heads with
// equal weight (mmaction2 fuses the two heads of RGBPoseConv3D 1:1 like this). So the softmax of a
// row is that mean. Throws c10::Error if there is no head, or if the heads' sizes differ.
at::Tensor HeadScores(const Tensors& outputs);

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_SCORES_H_
