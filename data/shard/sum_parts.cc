#include "data/shard/sum_parts.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "data/shard/part_inputs.h"

namespace slimreel {
namespace {

// "its classes differ from the other parts'; up only here; down only there".
std::string DescribeClassDifference(const std::vector<std::string>& here,
                                    const std::vector<std::string>& there) {
  const auto only = [](const auto& in, const auto& not_in, absl::string_view where) {
    std::string text;
    for (const std::string& name : in) {
      if (std::find(not_in.begin(), not_in.end(), name) != not_in.end()) continue;
      absl::StrAppend(&text, text.empty() ? "" : ", ", name);
    }
    return text.empty() ? text : absl::StrCat("; ", text, " only ", where);
  };
  const std::string names = only(here, there, "here") + only(there, here, "there");
  return absl::StrCat("its classes differ from the other parts'",
                      names.empty() ? ": they are in another order" : names);
}

}  // namespace

absl::Status AddPart(const std::string& path, const DatasetInfo& part, DatasetInfo* whole) {
  if (whole->classes.empty()) whole->classes = part.classes;
  const bool other_classes = !part.classes.empty() && part.classes != whole->classes;
  if (other_classes || part.task != whole->task || part.fingerprint != whole->fingerprint) {
    return absl::DataLossError(
        absl::StrCat(path, ": ",
                     other_classes ? DescribeClassDifference(part.classes, whole->classes)
                                   : "its task or its settings differ from the other parts'",
                     "; prepare all parts from the same input with the same settings"));
  }
  whole->unfinished.insert(part.unfinished.begin(), part.unfinished.end());
  for (const auto& [name, counts] : part.splits) {
    SplitCounts& sum = whole->splits[name];
    sum.shards += counts.shards;
    sum.samples += counts.samples;
    sum.videos += counts.videos;
    sum.frames += counts.frames;
    sum.bytes += counts.bytes;
    sum.keypoint_videos += counts.keypoint_videos;
  }
  return absl::OkStatus();
}

absl::StatusOr<DatasetInfo> SumParts(const std::vector<std::string>& paths) {
  SLIMREEL_ASSIGN_OR_RETURN(DatasetInfo whole, ReadDatasetInfoFile(paths.front()));
  const std::optional<PartFile> first =
      ParsePartFile(std::filesystem::path(paths.front()).filename().string());
  const int num_parts = first ? first->num_parts : 1;
  std::map<std::string, int> listed;
  for (const auto& [split, counts] : whole.splits) listed[split] = 1;
  for (size_t i = 1; i < paths.size(); ++i) {
    SLIMREEL_ASSIGN_OR_RETURN(const DatasetInfo part, ReadDatasetInfoFile(paths[i]));
    SLIMREEL_RETURN_IF_ERROR(AddPart(paths[i], part, &whole));
    for (const auto& [split, counts] : part.splits) ++listed[split];
  }
  for (const auto& [split, count] : listed) {
    if (count < num_parts) whole.unfinished.insert(split);
  }
  for (const std::string& split : whole.unfinished) whole.splits.erase(split);
  return whole;
}

}  // namespace slimreel
