// Gives a tensor other memory, on another device if need be.
//
// Threading: no other thread uses the tensor meanwhile.
#ifndef MEMORY_STAGE_BECOME_H_
#define MEMORY_STAGE_BECOME_H_

#include <ATen/core/Tensor.h>

namespace slimreel {

// `tensor` takes over sizes, dtype, device and memory of `other`; whoever holds `tensor` sees that.
// It keeps its own gradient and whether it requires one. As Tensor::set_data, which refuses a
// change between a device with memory and kMeta. No graph may hold `tensor`.
void Become(const at::Tensor& tensor, const at::Tensor& other);

}  // namespace slimreel

#endif  // MEMORY_STAGE_BECOME_H_
