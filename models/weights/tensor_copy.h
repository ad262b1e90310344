// From mapped bytes into a tensor of the model, chunk by chunk. One thread per target.
#ifndef MODELS_WEIGHTS_TENSOR_COPY_H_
#define MODELS_WEIGHTS_TENSOR_COPY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mapped_file.h"
#include "memory/stage/stage.h"
#include "models/weights/safetensors_format.h"
#include "models/weights/tensor_match.h"

namespace slimreel {

// Names, types and shapes, without offsets. InvalidArgument names a tensor whose dtype has no
// place in safetensors.
absl::StatusOr<std::vector<WeightEntry>> EntriesOf(const std::vector<NamedTensor>& tensors);

// Copies `entry` of `file` into `to` (any device, strides and dtype), changed as `fit`
// says, and gives its pages back. No gradient is recorded. A target that is not
// contiguous is copied through one temporary of its size where the file is not aligned.
// Returns how many of the stored values are NaN or infinite in the type of `to`.
int64_t CopyStored(const MappedFile& file, const WeightEntry& entry, const TensorFit& fit,
                   const at::Tensor& to);

// "NAME: 3 of 16 values" for a message.
std::string NotFiniteLine(const WeightEntry& entry, int64_t not_finite);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_TENSOR_COPY_H_
