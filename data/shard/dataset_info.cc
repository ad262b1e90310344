#include "data/shard/dataset_info.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "data/shard/part_inputs.h"

namespace slimreel {
namespace {

using nlohmann::json;

json ToJson(const DatasetInfo& info) {
  json splits = json::object();
  for (const auto& [name, counts] : info.splits) {
    splits[name] = {{"shards", counts.shards}, {"samples", counts.samples},
                    {"videos", counts.videos}, {"frames", counts.frames},
                    {"bytes", counts.bytes},   {"keypoint_videos", counts.keypoint_videos}};
  }
  json classes = json::array();
  for (const std::string& name : info.classes) classes.push_back(TextOfBytes(name));
  return {{"format_version", kDatasetFormatVersion},
          {"task", info.task},
          {"classes", classes},
          {"splits", splits},
          {"unfinished", info.unfinished},
          {"preparation", info.preparation},
          {"libav_versions", info.libav_versions},
          {"fingerprint", info.fingerprint}};
}

absl::Status Wrong(const std::string& path, absl::string_view key, absl::string_view expected) {
  return absl::DataLossError(absl::StrCat(path, ": '", key, "' is not ", expected,
                                          "; run prepare again to write it anew"));
}

// nullptr: absent or of another type.
const json* Find(const json& object, const char* key, json::value_t type) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  const bool both_integers = type == json::value_t::number_integer && found->is_number_integer();
  return found->type() == type || both_integers ? &*found : nullptr;
}

absl::Status ReadCounts(const std::string& path, const json& splits, DatasetInfo* info) {
  for (const auto& [name, object] : splits.items()) {
    SplitCounts counts;
    if (!object.is_object()) return Wrong(path, "splits", "a map of counts");
    for (const auto& [key, field] : {std::pair{"shards", &counts.shards},
                                     {"samples", &counts.samples},
                                     {"videos", &counts.videos},
                                     {"frames", &counts.frames},
                                     {"bytes", &counts.bytes}}) {
      const json* value = Find(object, key, json::value_t::number_integer);
      if (value == nullptr) return Wrong(path, absl::StrCat("splits.", name, ".", key), "a number");
      *field = value->get<int64_t>();
    }
    // Absent in what was prepared before there were keypoints.
    if (const json* value = Find(object, "keypoint_videos", json::value_t::number_integer)) {
      counts.keypoint_videos = value->get<int64_t>();
    }
    info->splits[name] = counts;
  }
  return absl::OkStatus();
}

absl::StatusOr<DatasetInfo> FromJson(const std::string& path, const json& object) {
  DatasetInfo info;
  if (!object.is_object()) return Wrong(path, "dataset.json", "a JSON object");
  const json* version = Find(object, "format_version", json::value_t::number_integer);
  if (version == nullptr) return Wrong(path, "format_version", "a number");
  info.format_version = version->get<int64_t>();
  if (info.format_version > kDatasetFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": dataset format ", info.format_version, ", this program reads up to ",
                     kDatasetFormatVersion, ": use a newer SlimReel"));
  }
  const json* task = Find(object, "task", json::value_t::string);
  const json* classes = Find(object, "classes", json::value_t::array);
  const json* splits = Find(object, "splits", json::value_t::object);
  if (task == nullptr) return Wrong(path, "task", "a string");
  if (classes == nullptr) return Wrong(path, "classes", "a list of strings");
  if (splits == nullptr) return Wrong(path, "splits", "a map of counts");
  info.task = task->get<std::string>();
  for (const json& name : *classes) {
    if (!name.is_string()) return Wrong(path, "classes", "a list of strings");
    info.classes.push_back(BytesOfText(name.get_ref<const std::string&>()));
  }
  SLIMREEL_RETURN_IF_ERROR(ReadCounts(path, *splits, &info));
  if (const json* value = Find(object, "unfinished", json::value_t::array)) {
    for (const json& name : *value) {
      if (!name.is_string()) return Wrong(path, "unfinished", "a list of splits");
      info.unfinished.insert(name.get<std::string>());
    }
  }
  if (const json* value = Find(object, "preparation", json::value_t::object)) {
    info.preparation = *value;
  }
  if (const json* value = Find(object, "fingerprint", json::value_t::string)) {
    info.fingerprint = value->get<std::string>();
  }
  if (const json* versions = Find(object, "libav_versions", json::value_t::object)) {
    for (const auto& [name, value] : versions->items()) {
      if (!value.is_string()) return Wrong(path, "libav_versions", "a map of strings");
      info.libav_versions[name] = value.get<std::string>();
    }
  }
  return info;
}

}  // namespace

std::string DatasetInfoFileName(int part, int num_parts) {
  if (part == 0) return "dataset.json";
  return absl::StrFormat("dataset-p%02dof%02d.json", part, num_parts);
}

std::string DatasetInfoLockPath(const std::string& folder, int part, int num_parts) {
  return absl::StrCat(folder, "/.", DatasetInfoFileName(part, num_parts), ".lock");
}

absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfoFile(
    const std::string& folder, int part, int num_parts, const std::function<bool()>& stopped) {
  const auto on_wait = [&] {
    LOG(WARNING) << folder << ": another process is changing "
                 << DatasetInfoFileName(part, num_parts) << "; waiting for it to be done";
  };
  return FileLock::Wait(DatasetInfoLockPath(folder, part, num_parts), on_wait, stopped);
}

namespace {

// "its classes differ from the other parts': up only here, down only there".
std::string DifferenceOf(const std::vector<std::string>& here,
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
                      names.empty() ? ": they have another order" : names);
}

}  // namespace

absl::Status AddPart(const std::string& path, const DatasetInfo& part, DatasetInfo* whole) {
  if (whole->classes.empty()) whole->classes = part.classes;
  const bool other_classes = !part.classes.empty() && part.classes != whole->classes;
  if (other_classes || part.task != whole->task || part.fingerprint != whole->fingerprint) {
    return absl::DataLossError(
        absl::StrCat(path, ": ",
                     other_classes ? DifferenceOf(part.classes, whole->classes)
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

std::string FormatDatasetInfo(const DatasetInfo& info) {
  return ToJson(info).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

absl::StatusOr<DatasetInfo> ParseDatasetInfo(const std::string& text, const std::string& path) {
  return FromJson(path, json::parse(text, nullptr, /*allow_exceptions=*/false));
}

absl::Status WriteDatasetInfo(const std::string& folder, const DatasetInfo& info, int part,
                              int num_parts) {
  return WriteFileAtomically(absl::StrCat(folder, "/", DatasetInfoFileName(part, num_parts)),
                             FormatDatasetInfo(info));
}

absl::StatusOr<DatasetInfo> ReadDatasetInfoFile(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseDatasetInfo(text, path);
}

absl::StatusOr<DatasetInfo> SumOfParts(const std::vector<std::string>& paths) {
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

absl::StatusOr<DatasetInfo> ReadDatasetInfo(const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", DatasetInfoFileName());
  std::error_code error;
  if (std::filesystem::exists(path, error)) return ReadDatasetInfoFile(path);
  std::vector<std::string> parts;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::optional<PartFile> file = ParsePartFile(name);
    if (file && file->whole == DatasetInfoFileName()) parts.push_back(entry.path());
  }
  if (parts.empty()) return absl::NotFoundError(absl::StrCat(folder, " has no dataset.json"));
  std::sort(parts.begin(), parts.end());
  return SumOfParts(parts);
}

}  // namespace slimreel
