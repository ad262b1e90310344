#include "models/weights/weights.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "models/weights/safetensors_format.h"

namespace slimreel {
namespace {

// What is copied before the mapped pages behind it are given back.
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

struct Copy {
  const WeightEntry* from;
  at::Tensor to;
};

struct Matching {
  std::vector<Copy> copies;
  std::vector<std::string> problems;
  LoadReport report;
};

bool IsOptional(const std::string& name, const LoadOptions& options) {
  return std::any_of(options.optional_prefixes.begin(), options.optional_prefixes.end(),
                     [&name](const std::string& prefix) { return absl::StartsWith(name, prefix); });
}

std::string ShapeText(at::IntArrayRef shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

Matching Match(const std::vector<NamedTensor>& tensors, const SafetensorsHeader& header,
               const LoadOptions& options) {
  Matching result;
  absl::flat_hash_map<std::string, const WeightEntry*> in_file;
  for (const WeightEntry& entry : header.entries) in_file[entry.name] = &entry;
  for (const NamedTensor& tensor : tensors) {
    const auto found = in_file.find(tensor.name);
    const bool optional = IsOptional(tensor.name, options);
    if (found == in_file.end()) {
      if (optional) {
        result.report.not_loaded.push_back(tensor.name);
      } else {
        result.problems.push_back(
            absl::StrCat("missing: ", tensor.name, " ", ShapeText(tensor.tensor.sizes())));
      }
      continue;
    }
    const WeightEntry* entry = std::exchange(found->second, nullptr);
    if (entry == nullptr) {
      result.problems.push_back(absl::StrCat("twice in the model: ", tensor.name));
    } else if (tensor.tensor.sizes() != at::IntArrayRef(entry->shape)) {
      if (optional) {
        result.report.not_loaded.push_back(tensor.name);
        continue;
      }
      result.problems.push_back(absl::StrCat("shape of ", tensor.name, ": the file has ",
                                             ShapeText(entry->shape), ", the model ",
                                             ShapeText(tensor.tensor.sizes())));
    } else if (!options.convert_type && ScalarTypeOf(entry->type) != tensor.tensor.scalar_type()) {
      result.problems.push_back(absl::StrCat(
          "dtype of ", tensor.name, ": the file has ", std::string(WeightTypeName(entry->type)),
          ", the model ", c10::toString(tensor.tensor.scalar_type())));
    } else {
      result.copies.push_back({entry, tensor.tensor});
    }
  }
  for (const WeightEntry& entry : header.entries) {
    if (in_file[entry.name] == nullptr) continue;
    const bool left = std::none_of(tensors.begin(), tensors.end(),
                                   [&entry](const NamedTensor& t) { return t.name == entry.name; });
    if (!left) continue;
    result.report.surplus.push_back(entry.name);
    if (!options.allow_surplus) {
      result.problems.push_back(absl::StrCat("surplus: ", entry.name, " ", ShapeText(entry.shape)));
    }
  }
  return result;
}

// Copies elements [0, numel) of `entry` into `to`, a chunk at a time. `staging`
// serves files whose data is not aligned to the element.
void CopyTensor(const MappedFile& file, const WeightEntry& entry, at::Tensor to,
                std::vector<int64_t>* staging) {
  const auto element = static_cast<uint64_t>(WeightTypeBytes(entry.type));
  const auto options = at::TensorOptions().dtype(ScalarTypeOf(entry.type));
  const char* data = file.bytes().data() + entry.offset;
  const bool aligned = reinterpret_cast<uintptr_t>(data) % element == 0;
  if (!to.is_contiguous() && aligned) {
    to.copy_(at::from_blob(const_cast<char*>(data), entry.shape, options));
    file.DontNeed(entry.offset, entry.bytes);
    return;
  }
  const at::Tensor target =
      to.is_contiguous() ? to : at::empty_like(to, at::MemoryFormat::Contiguous);
  const at::Tensor flat = target.view({-1});
  for (uint64_t at = 0; at < entry.bytes; at += kChunkBytes) {
    const uint64_t bytes = std::min(kChunkBytes, entry.bytes - at);
    char* source = const_cast<char*>(data + at);  // from_blob takes no const; it is only read
    if (!aligned) {
      staging->resize(kChunkBytes / sizeof(int64_t));
      std::memcpy(staging->data(), source, bytes);
      source = reinterpret_cast<char*>(staging->data());
    }
    const auto count = static_cast<int64_t>(bytes / element);
    flat.narrow(0, static_cast<int64_t>(at / element), count)
        .copy_(at::from_blob(source, {count}, options));
    file.DontNeed(entry.offset + at, bytes);
  }
  if (!target.is_same(to)) to.copy_(target);
}

}  // namespace

absl::StatusOr<LoadReport> LoadInto(const std::vector<NamedTensor>& tensors,
                                    const std::string& path, const LoadOptions& options) {
  SLIMREEL_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
  const auto header = ParseSafetensors(file->bytes());
  if (!header.ok()) {
    return absl::Status(header.status().code(),
                        absl::StrCat(path, ": ", header.status().message()));
  }
  Matching matching = Match(tensors, *header, options);
  if (!matching.problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " does not fit the model:\n  ",
                                                   absl::StrJoin(matching.problems, "\n  ")));
  }
  // In the file's order, so that the disk is read forwards.
  std::sort(matching.copies.begin(), matching.copies.end(),
            [](const Copy& a, const Copy& b) { return a.from->offset < b.from->offset; });
  const c10::AutoGradMode no_grad(false);
  std::vector<int64_t> staging;
  file->Sequential();
  for (const Copy& copy : matching.copies) CopyTensor(*file, *copy.from, copy.to, &staging);
  matching.report.loaded = static_cast<int64_t>(matching.copies.size());
  matching.report.metadata = header->metadata;
  return std::move(matching.report);
}

absl::Status SaveWeights(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header;
  header.metadata = metadata;
  absl::flat_hash_map<std::string, at::Tensor> by_name;
  for (const NamedTensor& tensor : tensors) {
    const auto type = WeightTypeOf(tensor.tensor.scalar_type());
    if (!type.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor '", tensor.name, "' of dtype ",
                                                     c10::toString(tensor.tensor.scalar_type()),
                                                     " has no place in safetensors"));
    }
    header.entries.push_back({tensor.name, *type, tensor.tensor.sizes().vec(), 0, 0});
    by_name[tensor.name] = tensor.tensor;
  }
  SLIMREEL_ASSIGN_OR_RETURN(const std::string head, LayOutSafetensors(&header));
  SLIMREEL_ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
  SLIMREEL_RETURN_IF_ERROR(file->Write(head));
  for (const WeightEntry& entry : header.entries) {
    const at::Tensor tensor = by_name[entry.name].detach().to(at::kCPU).contiguous();
    SLIMREEL_RETURN_IF_ERROR(file->Write(
        absl::string_view(static_cast<const char*>(tensor.const_data_ptr()), entry.bytes)));
  }
  return file->Commit();
}

}  // namespace slimreel
