#include "memory/profile/tuple_layout.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace slimreel {

std::string TupleLayout::Key() const {
  std::string key;
  for (const SlotLayout& slot : slots) {
    absl::StrAppend(&key, slot.storage, ":", c10::toString(slot.dtype), "[",
                    absl::StrJoin(slot.sizes, ","), "][", absl::StrJoin(slot.strides, ","), "]+",
                    slot.offset, ";");
  }
  return absl::StrCat(key, absl::StrJoin(storage_bytes, ","));
}

std::vector<bool> OneSlotEach(const TupleLayout& layout) {
  const size_t num_storages = layout.storage_bytes.size();
  std::vector<int> num_slots(num_storages);
  std::vector<bool> whole(num_storages);
  for (const SlotLayout& slot : layout.slots) {
    if (slot.storage < 0) continue;
    int64_t bytes = static_cast<int64_t>(c10::elementSize(slot.dtype));
    for (int64_t size : slot.sizes) bytes *= size;
    ++num_slots[slot.storage];
    whole[slot.storage] = bytes == layout.storage_bytes[slot.storage];
  }
  for (size_t n = 0; n < num_storages; ++n) whole[n] = whole[n] && num_slots[n] == 1;
  return whole;
}

std::vector<const void*> StorageAddresses(const Tensors& tuple) {
  std::vector<const void*> addresses;
  std::vector<const c10::StorageImpl*> known;
  for (const at::Tensor& slot : tuple) {
    if (!slot.defined()) continue;
    const c10::StorageImpl* const storage = slot.storage().unsafeGetStorageImpl();
    if (std::find(known.begin(), known.end(), storage) != known.end()) continue;
    known.push_back(storage);
    addresses.push_back(slot.storage().data());
  }
  return addresses;
}

TupleLayout LayoutOf(const Tensors& tuple) {
  TupleLayout layout;
  std::vector<const c10::StorageImpl*> known;
  for (const at::Tensor& tensor : tuple) {
    SlotLayout& slot = layout.slots.emplace_back();
    if (!tensor.defined()) continue;
    const c10::StorageImpl* const storage = tensor.storage().unsafeGetStorageImpl();
    const auto found = std::find(known.begin(), known.end(), storage);
    slot.storage = static_cast<int>(found - known.begin());
    if (found == known.end()) {
      known.push_back(storage);
      layout.storage_bytes.push_back(static_cast<int64_t>(tensor.storage().nbytes()));
    }
    slot.dtype = tensor.scalar_type();
    slot.sizes = tensor.sizes().vec();
    slot.strides = tensor.strides().vec();
    slot.offset = tensor.storage_offset();
  }
  return layout;
}

Tensors MakeTuple(const TupleLayout& layout, at::Device device) {
  const c10::AutoGradMode no_grad(false);
  std::vector<at::Tensor> storages;
  for (int64_t bytes : layout.storage_bytes) {
    storages.push_back(at::zeros({bytes}, at::TensorOptions(at::kByte).device(device)));
  }
  Tensors tuple;
  for (const SlotLayout& slot : layout.slots) {
    if (slot.storage < 0) {
      tuple.emplace_back();
      continue;
    }
    at::Tensor tensor = at::empty({0}, at::TensorOptions(slot.dtype).device(device));
    tensor.set_(storages[slot.storage].storage(), slot.offset, slot.sizes, slot.strides);
    tuple.push_back(std::move(tensor));
  }
  return tuple;
}

}  // namespace slimreel
