// How a tuple of tensors lies in memory: which slots share a storage, their sizes and strides. A
// profile makes tuples of the same layout again, without the values.
//
// Threading: values and free functions.
#ifndef MEMORY_PROFILE_TUPLE_LAYOUT_H_
#define MEMORY_PROFILE_TUPLE_LAYOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

struct SlotLayout {
  int storage = -1;  // number of its storage in the tuple; -1: the slot is undefined
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t offset = 0;  // elements from the start of the storage
  friend bool operator==(const SlotLayout&, const SlotLayout&) = default;
};

struct TupleLayout {
  std::vector<SlotLayout> slots;
  std::vector<int64_t> storage_bytes;

  // Equal for equal layouts.
  std::string Key() const;
  friend bool operator==(const TupleLayout&, const TupleLayout&) = default;
};

TupleLayout LayoutOf(const Tensors& tuple);
// Per storage: one slot alone is all of it, so that it can wait on the host
// (memory/paging/offload_stack.h).
std::vector<bool> OneSlotEach(const TupleLayout& layout);
// The address of each storage of the tuple, in the layout's order.
std::vector<const void*> StorageAddresses(const Tensors& tuple);
// New tensors of this layout, filled with zeros.
Tensors MakeTuple(const TupleLayout& layout, at::Device device);

}  // namespace slimreel

#endif  // MEMORY_PROFILE_TUPLE_LAYOUT_H_
