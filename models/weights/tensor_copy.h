// Copies mapped bytes into a tensor of the model, chunk by chunk.
//
// Threading: one thread per target.
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

// Names, types and shapes of the tensors, without offsets. InvalidArgument names a tensor whose
// dtype safetensors cannot store.
absl::StatusOr<std::vector<WeightEntry>> EntriesOf(const std::vector<NamedTensor>& tensors);

// Copies `entry` of `file` into `to` (any device, strides and dtype), changes it as `fit`
// says, and releases its pages. Records no gradient. If the target is not contiguous and the
// file is not aligned, it copies through a temporary of the tensor's size. Returns how many
// stored values are NaN or infinite in the type of `to`.
int64_t CopyStored(const MappedFile& file, const WeightEntry& entry, const TensorFit& fit,
                   const at::Tensor& to);

// A line for a message: "NAME: 3 of 16 values".
std::string NotFiniteLine(const WeightEntry& entry, int64_t not_finite);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_TENSOR_COPY_H_
