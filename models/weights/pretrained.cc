#include "models/weights/pretrained.h"

#include <algorithm>
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

// Every stored tensor of all files under the model's names; entry i came from files[file_of[i]],
// where it is entry index_of[i].
struct StoredTensors {
  std::vector<WeightEntry> entries;
  std::vector<size_t> file_of, index_of;
};

void Append(std::vector<WeightEntry> entries, size_t file, StoredTensors* all) {
  for (size_t i = 0; i < entries.size(); ++i) {
    all->entries.push_back(std::move(entries[i]));
    all->file_of.push_back(file);
    all->index_of.push_back(i);
  }
}

std::string PathsOf(const std::vector<WeightFiles>& files) {
  return absl::StrJoin(files, " and ", [](std::string* out, const WeightFiles& file) {
    absl::StrAppend(out, file.path());
  });
}

StoredTensors Renamed(const std::vector<WeightFiles>& files, const std::set<std::string>& model,
                      std::vector<std::string>* notes) {
  StoredTensors all;
  for (size_t f = 0; f < files.size(); ++f) {
    const Stream stream = f == 0 ? Stream::kRgb : Stream::kPose;
    const bool merge = files.size() > 1;
    RenamedKeys keys = RenameKeys(files[f].entries(), merge ? NamesOfStream(model, stream) : model);
    for (WeightEntry& entry : keys.entries) {
      if (merge && !entry.name.empty()) entry.name = InStream(entry.name, stream);
    }
    for (const std::string& note : keys.notes) {
      notes->push_back(merge ? absl::StrCat(files[f].path(), ": ", note) : note);
    }
    Append(std::move(keys.entries), f, &all);
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
                                  " 2-D kernels: repeated over time and divided by its size"));
  }
  if (!widened.empty()) {
    notes->push_back(absl::StrCat("widened ", widened.size(),
                                  " kernels by zeros for the laterals' channels (",
                                  absl::StrJoin(widened, ", "), ")"));
  }
  if (!matching.absent.empty()) {
    notes->push_back(
        absl::StrCat(matching.absent.size(), " tensors that the file lacks start anew (",
                     matching.absent.front(), matching.absent.size() > 1 ? ", ...)" : ")"));
  }
  if (!matching.head_anew.empty()) {
    notes->push_back(absl::StrCat("the head for ", model.num_classes, " classes starts anew (",
                                  absl::StrJoin(matching.head_anew, ", "), ")"));
  }
}

absl::Status Misfit(const Model& model, const std::vector<WeightFiles>& files,
                    const TensorMatching& matching) {
  std::string remedy;
  if (matching.matches.empty()) {
    remedy = absl::StrCat("\nNo key of the file is one of ", model.name,
                          ": `model list` shows the models.");
  } else if (files.size() == 1 && !matching.missing.empty() && matching.surplus.empty()) {
    remedy = "\nThe file holds a part of the model alone, or of a smaller one.";
  }
  return absl::InvalidArgumentError(absl::StrCat(PathsOf(files), " (", LayoutOf(files[0].entries()),
                                                 ") does not fit model ", model.name, ":\n",
                                                 matching.Problems(), remedy));
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

absl::StatusOr<PretrainedReport> LoadPretrained(const Model& model,
                                                const std::vector<WeightFiles>& files) {
  std::vector<NamedTensor> tensors = Parameters(model);
  for (NamedTensor& buffer : Buffers(model)) tensors.push_back(std::move(buffer));
  std::set<std::string> names;
  for (const NamedTensor& tensor : tensors) names.insert(tensor.name);
  if (files.size() > 2 || (files.size() == 2 && !HasTwoStreams(names))) {
    return absl::InvalidArgumentError(absl::StrCat(
        PathsOf(files), ": model ", model.name,
        " takes one file of weights (a folder or index for shards); two, RGB and pose, are for "
        "models with both streams"));
  }
  PretrainedReport report;
  const StoredTensors stored = Renamed(files, names, &report.notes);
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<WeightEntry> targets, EntriesOf(tensors));
  const TensorMatching matching =
      MatchTensors(stored.entries, targets, RulesFor(names, targets, files.size() > 1));
  if (!matching.fits()) return Misfit(model, files, matching);
  NoteChanges(model, targets, matching, &report.notes);
  for (const TensorMatch& match : matching.matches) {
    const WeightFiles& file = files[stored.file_of[match.stored]];
    const size_t index = stored.index_of[match.stored];
    CopyStored(file.file_of(index), file.entries()[index], match.fit, tensors[match.target].tensor);
  }
  report.loaded = static_cast<int64_t>(matching.matches.size());
  return report;
}

}  // namespace slimreel
