#include "models/weights/tensor_copy.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "models/weights/finite_values.h"

namespace slimreel {
namespace {

// Bytes that are copied before their mapped pages are released.
constexpr uint64_t kChunkBytes = uint64_t{4} << 20;

constexpr std::pair<WeightType, at::ScalarType> kTypes[] = {
    {WeightType::kF64, at::kDouble}, {WeightType::kF32, at::kFloat},
    {WeightType::kF16, at::kHalf},   {WeightType::kBF16, at::kBFloat16},
    {WeightType::kI64, at::kLong},   {WeightType::kI32, at::kInt},
    {WeightType::kI16, at::kShort},  {WeightType::kI8, at::kChar},
    {WeightType::kU8, at::kByte},    {WeightType::kBool, at::kBool}};

at::ScalarType ScalarTypeOf(WeightType type) {
  for (const auto& [weight, scalar] : kTypes) {
    if (weight == type) return scalar;
  }
  return at::kByte;
}

std::optional<WeightType> WeightTypeOf(at::ScalarType type) {
  for (const auto& [weight, scalar] : kTypes) {
    if (scalar == type) return weight;
  }
  return std::nullopt;
}

// Uses as many threads as the copy does, so the check costs a small part of the copy.
int64_t CountNotFiniteInThreads(absl::string_view bytes, WeightType stored, WeightType target) {
  constexpr int64_t kSlice = int64_t{256} << 10;
  const auto size = static_cast<int64_t>(bytes.size());
  std::atomic<int64_t> bad = 0;
  at::parallel_for(0, (size + kSlice - 1) / kSlice, 2, [&](int64_t begin, int64_t end) {
    const int64_t count = std::min(end * kSlice, size) - begin * kSlice;
    bad +=
        CountNotFinite({bytes.data() + begin * kSlice, static_cast<size_t>(count)}, stored, target);
  });
  return bad;
}

// Returns how many values are not finite in the type of `to`.
int64_t CopyUnchanged(const MappedFile& file, const WeightEntry& entry, const at::Tensor& to) {
  const auto element = static_cast<uint64_t>(WeightTypeBytes(entry.type));
  const auto options = at::TensorOptions().dtype(ScalarTypeOf(entry.type));
  const char* data = file.bytes().data() + entry.offset;
  const WeightType type = WeightTypeOf(to.scalar_type()).value_or(entry.type);
  const bool aligned = reinterpret_cast<uintptr_t>(data) % element == 0;
  if (!to.is_contiguous() && aligned) {
    to.copy_(at::from_blob(const_cast<char*>(data), entry.shape, options));
    const int64_t bad = CountNotFiniteInThreads({data, entry.bytes}, entry.type, type);
    file.DontNeed(entry.offset, entry.bytes);
    return bad;
  }
  const at::Tensor target =
      to.is_contiguous() ? to : at::empty_like(to, at::MemoryFormat::Contiguous);
  const at::Tensor flat = target.view({-1});
  std::vector<int64_t> staging;  // for data that is not aligned to its element
  int64_t bad = 0;
  for (uint64_t at = 0; at < entry.bytes; at += kChunkBytes) {
    const uint64_t bytes = std::min(kChunkBytes, entry.bytes - at);
    char* source = const_cast<char*>(data + at);  // from_blob takes no const pointer; only read
    if (!aligned) {
      staging.resize(kChunkBytes / sizeof(int64_t));
      std::memcpy(staging.data(), source, bytes);
      source = reinterpret_cast<char*>(staging.data());
    }
    const auto count = static_cast<int64_t>(bytes / element);
    flat.narrow(0, static_cast<int64_t>(at / element), count)
        .copy_(at::from_blob(source, {count}, options));
    bad += CountNotFiniteInThreads({source, bytes}, entry.type, type);  // while the caches hold it
    file.DontNeed(entry.offset + at, bytes);
  }
  if (!target.is_same(to)) to.copy_(target);
  return bad;
}

}  // namespace

absl::StatusOr<std::vector<WeightEntry>> EntriesOf(const std::vector<NamedTensor>& tensors) {
  std::vector<WeightEntry> entries;
  for (const NamedTensor& tensor : tensors) {
    const auto type = WeightTypeOf(tensor.tensor.scalar_type());
    if (!type.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor '", tensor.name, "' of dtype ",
                                                     c10::toString(tensor.tensor.scalar_type()),
                                                     " cannot be stored in safetensors"));
    }
    entries.push_back({tensor.name, *type, tensor.tensor.sizes().vec(), 0, 0});
  }
  return entries;
}

int64_t CopyStored(const MappedFile& file, const WeightEntry& entry, const TensorFit& fit,
                   const at::Tensor& to) {
  const c10::AutoGradMode no_grad(false);
  at::Tensor target = to;
  if (fit.widened) {
    to.zero_();
    target = to.narrow(1, 0, entry.shape[1]);
  }
  if (!fit.inflated) return CopyUnchanged(file, entry, target);
  const int64_t frames = target.size(2);
  int64_t bad = 0;
  for (int64_t t = 0; t < frames; ++t) bad = CopyUnchanged(file, entry, target.select(2, t));
  if (frames > 1) target.div_(frames);
  return bad;
}

std::string NotFiniteLine(const WeightEntry& entry, int64_t not_finite) {
  const auto values = static_cast<int64_t>(entry.bytes) / WeightTypeBytes(entry.type);
  return absl::StrCat(entry.name, ": ", not_finite, " of ", values, " values");
}

}  // namespace slimreel
