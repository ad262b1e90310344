#include "models/weights/weights.h"

#include <ATen/core/Tensor.h>

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "models/weights/safetensors_format.h"
#include "models/weights/tensor_copy.h"
#include "models/weights/tensor_match.h"
#include "models/weights/weight_files.h"

namespace slimreel {
namespace {

// Clears the names of all entries that no target has, so MatchTensors skips them. Returns these
// names.
std::vector<std::string> LeaveOutUnknown(const std::vector<WeightEntry>& targets,
                                         std::vector<WeightEntry>* stored) {
  absl::flat_hash_set<std::string> known;
  for (const WeightEntry& target : targets) known.insert(target.name);
  std::vector<std::string> left_out;
  for (WeightEntry& entry : *stored) {
    if (!known.contains(entry.name)) left_out.push_back(std::exchange(entry.name, ""));
  }
  return left_out;
}

}  // namespace

absl::StatusOr<LoadReport> LoadInto(const std::vector<NamedTensor>& tensors,
                                    const std::string& path, const LoadOptions& options) {
  SLIMREEL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::Open(path));
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<WeightEntry> targets, EntriesOf(tensors));
  MatchRules rules;
  rules.same_type = !options.convert_type;
  LoadReport report;
  report.metadata = files.metadata();
  std::vector<WeightEntry> stored = files.entries();
  if (options.common_only) {
    rules.may_be_absent = [](const std::string& /*name*/) { return true; };
    report.unused = LeaveOutUnknown(targets, &stored);
  }
  const TensorMatching matching = MatchTensors(stored, targets, rules);
  if (!matching.fits()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " does not fit the model:\n", matching.Problems()));
  }
  for (const TensorMatch& match : matching.matches) {
    const WeightEntry& entry = files.entries()[match.stored];
    const int64_t bad =
        CopyStored(files.file_of(match.stored), entry, match.fit, tensors[match.target].tensor);
    if (bad > 0) report.not_finite.push_back(NotFiniteLine(entry, bad));
  }
  report.loaded = static_cast<int64_t>(matching.matches.size());
  report.absent = matching.absent;
  return report;
}

absl::Status SaveWeights(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header;
  header.metadata = metadata;
  SLIMREEL_ASSIGN_OR_RETURN(header.entries, EntriesOf(tensors));
  absl::flat_hash_map<std::string, at::Tensor> by_name;
  for (const NamedTensor& tensor : tensors) by_name[tensor.name] = tensor.tensor;
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
