// From what a model says of its clips to one row of scores a clip.
//
// Who calls it: the evaluator and the predictor. Threading: none of its own.
#ifndef TRAINER_EVALUATION_SCORES_H_
#define TRAINER_EVALUATION_SCORES_H_

#include <ATen/core/Tensor.h>

#include "memory/stage/stage.h"

namespace slimreel {

// `outputs`: the last stage's tuple, a slot of logits [B, classes] per head, any device and
// float type. Returns [B, classes] float64 on the CPU: with one head its logits; with several
// the logarithm of the mean of their softmaxes, every head counting alike (mmaction2
// fuses RGBPoseConv3D's two heads 1:1 like this), so that the softmax of a row is
// that mean.
at::Tensor HeadScores(const Tensors& outputs);

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_SCORES_H_
