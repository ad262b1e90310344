// One update of a list of parameters by ATen's fused kernels.
//
// Threading: free functions without state.
#ifndef TRAINER_OPTIM_FUSED_UPDATE_H_
#define TRAINER_OPTIM_FUSED_UPDATE_H_

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "configs/train_options.h"

namespace slimreel {

// Parallel lists, as the kernels take them. All tensors lie on one device.
struct UpdateLists {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> exp_avgs;     // SGD: momentum buffers; empty without momentum
  std::vector<at::Tensor> exp_avg_sqs;  // empty with SGD
  std::vector<at::Tensor> steps;        // one float32 element each; empty with SGD
};

// Updates parameters and state in place. The kernels work element by element, so the bits of a
// parameter do not depend on what else is in the list. Adam's `steps` count this update already.
// `skip`: a [] float32 tensor; 1 leaves everything as it is. Takes no tensor memory if parameters
// and gradients are contiguous; see Flat.
void FusedUpdate(const TrainOptions& options, const UpdateLists& lists, double lr,
                 double weight_decay, const std::optional<at::Tensor>& skip);

// Elements `first` to `first + count` of the tensor's memory as one dimension. The tensor must be
// dense: its elements fill its memory, in any order.
at::Tensor FlatRange(const at::Tensor& tensor, int64_t first, int64_t count);

// The tensor itself if it is contiguous, else all of its memory as one dimension. The kernels walk
// tensors by address, so the result is the same, and they make no contiguous copy.
at::Tensor Flat(const at::Tensor& tensor);

// The kernels walk parameter, gradient and state by address. Throws if their layouts differ.
// Autograd gives a gradient the layout of its parameter, so a difference is a bug of ours.
void CheckLayout(const at::Tensor& parameter, const at::Tensor& gradient);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_FUSED_UPDATE_H_
