#include "models/weights/pretrained.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "models/weights/key_rules.h"
#include "models/weights/stream_merge.h"
#include "models/weights/tensor_copy.h"
#include "models/weights/tensor_match.h"

namespace slimreel {
namespace {

// The stored tensors of all files, under the model's names. Entry i is in files[file_of[i]]: it
// is entry index_of[i] there, or some rows of it.
struct StoredTensors {
  std::vector<WeightEntry> entries;
  std::vector<size_t> file_of, index_of;
};

void Append(RenamedKeys keys, size_t file, StoredTensors* all) {
  for (size_t i = 0; i < keys.entries.size(); ++i) {
    all->entries.push_back(std::move(keys.entries[i]));
    all->file_of.push_back(file);
    all->index_of.push_back(keys.stored_of[i]);
  }
}

std::vector<NamedTensor> TensorsOf(const Model& model) {
  std::vector<NamedTensor> tensors = Parameters(model);
  for (NamedTensor& buffer : Buffers(model)) tensors.push_back(std::move(buffer));
  return tensors;
}

std::set<std::string> NamesOf(const std::vector<NamedTensor>& tensors) {
  std::set<std::string> names;
  for (const NamedTensor& tensor : tensors) names.insert(tensor.name);
  return names;
}

std::string PathsOf(const std::vector<WeightFiles>& files) {
  return absl::StrJoin(files, " and ", [](std::string* out, const WeightFiles& file) {
    absl::StrAppend(out, file.path());
  });
}

// Are two tensors equal bit for bit? They may be in different shards.
bool HaveEqualBytes(const WeightFiles& files, size_t a, size_t b) {
  constexpr uint64_t kChunkBytes = uint64_t{4} << 20;  // compared, then released
  const WeightEntry &one = files.entries()[a], &other = files.entries()[b];
  if (one.type != other.type || one.shape != other.shape) return false;
  const MappedFile &file = files.file_of(a), &other_file = files.file_of(b);
  for (uint64_t at = 0; at < one.bytes; at += kChunkBytes) {
    const uint64_t bytes = std::min(kChunkBytes, one.bytes - at);
    if (file.bytes().substr(one.offset + at, bytes) !=
        other_file.bytes().substr(other.offset + at, bytes)) {
      return false;
    }
    file.DontNeed(one.offset + at, bytes);
    other_file.DontNeed(other.offset + at, bytes);
  }
  return true;
}

// If two names of one tensor had different values, the model would lose one of them.
absl::Status CheckTied(const WeightFiles& files, const RenamedKeys& keys) {
  for (const auto& [left_out, kept] : keys.tied) {
    const size_t one = keys.stored_of[left_out], other = keys.stored_of[kept];
    if (HaveEqualBytes(files, one, other)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        files.path(), ": ", files.entries()[one].name, " differs from ",
        files.entries()[other].name, ", but the model has one tensor for both (tied weights). ",
        "Remove the tensor that you do not want from the file"));
  }
  return absl::OkStatus();
}

bool TakesFiles(const std::set<std::string>& model, size_t count) {
  return count == 1 || (count == 2 && HasTwoStreams(model));
}

// Renames the keys of file `f` of `count`. Two files are RGB and pose, in this order.
RenamedKeys RenameFile(const WeightFiles& file, size_t f, size_t count,
                       const std::set<std::string>& model) {
  const Stream stream = f == 0 ? Stream::kRgb : Stream::kPose;
  return RenameKeys(file.entries(), count > 1 ? NamesOfStream(model, stream) : model);
}

absl::StatusOr<StoredTensors> RenameFiles(const std::vector<WeightFiles>& files,
                                          const std::set<std::string>& model,
                                          std::vector<std::string>* notes) {
  StoredTensors all;
  for (size_t f = 0; f < files.size(); ++f) {
    const Stream stream = f == 0 ? Stream::kRgb : Stream::kPose;
    const bool merge = files.size() > 1;
    RenamedKeys keys = RenameFile(files[f], f, files.size(), model);
    SLIMREEL_RETURN_IF_ERROR(CheckTied(files[f], keys));
    for (WeightEntry& entry : keys.entries) {
      if (merge && !entry.name.empty()) entry.name = NameInStream(entry.name, stream);
    }
    for (const std::string& note : keys.notes) {
      notes->push_back(merge ? absl::StrCat(files[f].path(), ": ", note) : note);
    }
    Append(std::move(keys), f, &all);
  }
  return all;
}

MatchRules RulesFor(const std::set<std::string>& model, const std::vector<WeightEntry>& targets,
                    bool merge) {
  MatchRules rules;
  rules.inflate = true;
  if (merge) rules.widen = LateralInputs(targets);
  for (const std::string& name : model) {
    if (IsHeadKey(name)) rules.head.insert(name);
  }
  rules.may_be_absent = [merge](const std::string& name) {
    return MayBeAbsent(name) || (merge && IsLateral(name));
  };
  return rules;
}

void NoteChanges(const Model& model, const std::vector<WeightEntry>& targets,
                 const TensorMatching& matching, std::vector<std::string>* notes) {
  int64_t inflated = 0;
  std::vector<std::string> widened;
  for (const TensorMatch& match : matching.matches) {
    inflated += match.fit.inflated ? 1 : 0;
    if (match.fit.widened) widened.push_back(targets[match.target].name);
  }
  if (inflated > 0) {
    notes->push_back(absl::StrCat("inflated ", inflated,
                                  " 2-D kernels: repeated over time, divided by its size"));
  }
  if (!widened.empty()) {
    notes->push_back(absl::StrCat("widened ", widened.size(),
                                  " kernels with zeros for the laterals' channels (",
                                  absl::StrJoin(widened, ", "), ")"));
  }
  if (!matching.absent.empty()) {
    notes->push_back(
        absl::StrCat(matching.absent.size(), " tensors that the file lacks start anew (",
                     matching.absent.front(), matching.absent.size() > 1 ? ", ...)" : ")"));
  }
  if (!matching.new_head.empty()) {
    notes->push_back(absl::StrCat("the head for ", model.num_classes, " classes starts anew (",
                                  absl::StrJoin(matching.new_head, ", "), ")"));
  }
}

absl::Status MismatchError(const Model& model, const std::vector<WeightFiles>& files,
                           const TensorMatching& matching) {
  std::string remedy;
  const bool same_names = !matching.wrong_shape.empty() || !matching.wrong_type.empty();
  if (matching.matches.empty() && files.size() == 1 && !matching.wrong_shape.empty()) {
    remedy = absl::StrCat("\nThe file has the names of ", model.name,
                          " but none of its shapes: it holds another size of this family.");
  } else if (matching.matches.empty() && !same_names) {
    remedy = absl::StrCat("\nNo key of the file belongs to ", model.name,
                          "; `model list` shows the models.");
  } else if (files.size() == 1 && !matching.missing.empty() && matching.surplus.empty()) {
    remedy = "\nThe file holds only a part of the model, or a smaller model.";
  }
  return absl::InvalidArgumentError(absl::StrCat(PathsOf(files), " (", LayoutOf(files[0].entries()),
                                                 ") does not fit model ", model.name, ":\n",
                                                 matching.Problems(), remedy));
}

// InvalidArgument: tensors with NaN or infinity, found while they are copied.
absl::Status CopyAll(const std::vector<WeightFiles>& files, const StoredTensors& stored,
                     const TensorMatching& matching, const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> not_finite;
  std::set<std::string> paths;
  for (const TensorMatch& match : matching.matches) {
    const WeightFiles& file = files[stored.file_of[match.stored]];
    const size_t index = stored.index_of[match.stored];
    const int64_t bad = CopyStored(file.file_of(index), stored.entries[match.stored], match.fit,
                                   tensors[match.target].tensor);
    if (bad == 0) continue;
    WeightEntry named = stored.entries[match.stored];
    named.name = file.entries()[index].name;
    not_finite.push_back(NotFiniteLine(named, bad));
    paths.insert(file.path());
  }
  if (not_finite.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      absl::StrJoin(paths, " and "), " cannot start a model: weights must be finite, but some ",
      "are NaN or infinite (float64 values beyond float32's range count too):\n",
      CountedLines("tensors with such values", not_finite),
      "\nThe training that wrote the file diverged, or the file is damaged: take weights of an ",
      "earlier step, or fetch the file again"));
}

}  // namespace

absl::StatusOr<std::vector<WeightFiles>> OpenPretrained(const std::string& paths) {
  std::vector<WeightFiles> files;
  for (const auto& path : absl::StrSplit(paths, ',')) {
    SLIMREEL_ASSIGN_OR_RETURN(WeightFiles file, WeightFiles::Open(std::string(path)));
    files.push_back(std::move(file));
  }
  return files;
}

absl::StatusOr<std::optional<int64_t>> ClassesOfPretrained(const Model& model,
                                                           const std::vector<WeightFiles>& files) {
  const std::set<std::string> names = NamesOf(TensorsOf(model));
  std::optional<int64_t> classes;
  if (!TakesFiles(names, files.size())) return classes;  // LoadPretrained reports it
  size_t first = 0;
  for (size_t f = 0; f < files.size(); ++f) {
    const auto found = ClassesOfHead(RenameFile(files[f], f, files.size(), names).entries);
    if (classes && found && *classes != *found) {
      return absl::InvalidArgumentError(absl::StrCat(
          files[first].path(), " has a head for ", *classes, " classes and ", files[f].path(),
          " for ", *found, ": set the number of classes; a head of other classes starts anew"));
    }
    if (classes || !found) continue;
    classes = found;
    first = f;
  }
  return classes;
}

absl::StatusOr<PretrainedReport> LoadPretrained(const Model& model,
                                                const std::vector<WeightFiles>& files) {
  const std::vector<NamedTensor> tensors = TensorsOf(model);
  const std::set<std::string> names = NamesOf(tensors);
  if (!TakesFiles(names, files.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        PathsOf(files), ": model ", model.name,
        " takes one file of weights (or the folder or index of its shards); two files, RGB and "
        "pose, are for models with both streams"));
  }
  PretrainedReport report;
  SLIMREEL_ASSIGN_OR_RETURN(const StoredTensors stored, RenameFiles(files, names, &report.notes));
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<WeightEntry> targets, EntriesOf(tensors));
  const TensorMatching matching =
      MatchTensors(stored.entries, targets, RulesFor(names, targets, files.size() > 1));
  if (!matching.fits()) return MismatchError(model, files, matching);
  NoteChanges(model, targets, matching, &report.notes);
  SLIMREEL_RETURN_IF_ERROR(CopyAll(files, stored, matching, tensors));
  report.loaded = static_cast<int64_t>(matching.matches.size());
  return report;
}

}  // namespace slimreel
