#include "data/shard/dataset_json.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/status_macros.h"

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

absl::Status FormatError(const std::string& path, absl::string_view key,
                         absl::string_view expected) {
  return absl::DataLossError(absl::StrCat(path, ": '", key, "' is not ", expected,
                                          "; run prepare again, which writes the file anew"));
}

// Returns nullptr if the key is absent or its value has another type.
const json* Find(const json& object, const char* key, json::value_t type) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  const bool both_integers = type == json::value_t::number_integer && found->is_number_integer();
  return found->type() == type || both_integers ? &*found : nullptr;
}

absl::Status ReadCounts(const std::string& path, const json& splits, DatasetInfo* info) {
  for (const auto& [name, object] : splits.items()) {
    SplitCounts counts;
    if (!object.is_object()) return FormatError(path, "splits", "a map of counts");
    for (const auto& [key, field] : {std::pair{"shards", &counts.shards},
                                     {"samples", &counts.samples},
                                     {"videos", &counts.videos},
                                     {"frames", &counts.frames},
                                     {"bytes", &counts.bytes}}) {
      const json* value = Find(object, key, json::value_t::number_integer);
      if (value == nullptr)
        return FormatError(path, absl::StrCat("splits.", name, ".", key), "a number");
      *field = value->get<int64_t>();
    }
    // Older preparations, without keypoints, lack this key.
    if (const json* value = Find(object, "keypoint_videos", json::value_t::number_integer)) {
      counts.keypoint_videos = value->get<int64_t>();
    }
    info->splits[name] = counts;
  }
  return absl::OkStatus();
}

absl::Status ReadFormatVersion(const std::string& path, const json& object, DatasetInfo* info) {
  const json* version = Find(object, "format_version", json::value_t::number_integer);
  if (version == nullptr) return FormatError(path, "format_version", "a number");
  info->format_version = version->get<int64_t>();
  if (info->format_version <= kDatasetFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path, ": it has dataset format ", info->format_version,
      ", but this program reads formats up to ", kDatasetFormatVersion, "; use a newer SlimReel"));
}

absl::Status ReadRequiredFields(const std::string& path, const json& object, DatasetInfo* info) {
  const json* task = Find(object, "task", json::value_t::string);
  const json* classes = Find(object, "classes", json::value_t::array);
  const json* splits = Find(object, "splits", json::value_t::object);
  if (task == nullptr) return FormatError(path, "task", "a string");
  if (classes == nullptr) return FormatError(path, "classes", "a list of strings");
  if (splits == nullptr) return FormatError(path, "splits", "a map of counts");
  info->task = task->get<std::string>();
  for (const json& name : *classes) {
    if (!name.is_string()) return FormatError(path, "classes", "a list of strings");
    info->classes.push_back(BytesOfText(name.get_ref<const std::string&>()));
  }
  return ReadCounts(path, *splits, info);
}

absl::Status ReadOptionalFields(const std::string& path, const json& object, DatasetInfo* info) {
  if (const json* value = Find(object, "unfinished", json::value_t::array)) {
    for (const json& name : *value) {
      if (!name.is_string()) return FormatError(path, "unfinished", "a list of splits");
      info->unfinished.insert(name.get<std::string>());
    }
  }
  if (const json* value = Find(object, "preparation", json::value_t::object)) {
    info->preparation = *value;
  }
  if (const json* value = Find(object, "fingerprint", json::value_t::string)) {
    info->fingerprint = value->get<std::string>();
  }
  if (const json* versions = Find(object, "libav_versions", json::value_t::object)) {
    for (const auto& [name, value] : versions->items()) {
      if (!value.is_string()) return FormatError(path, "libav_versions", "a map of strings");
      info->libav_versions[name] = value.get<std::string>();
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string FormatDatasetInfo(const DatasetInfo& info) {
  return ToJson(info).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<DatasetInfo> ParseDatasetInfo(const std::string& text, const std::string& path) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return FormatError(path, "dataset.json", "a JSON object");
  DatasetInfo info;
  SLIMREEL_RETURN_IF_ERROR(ReadFormatVersion(path, object, &info));
  SLIMREEL_RETURN_IF_ERROR(ReadRequiredFields(path, object, &info));
  SLIMREEL_RETURN_IF_ERROR(ReadOptionalFields(path, object, &info));
  return info;
}

absl::StatusOr<DatasetInfo> ReadDatasetInfoFile(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseDatasetInfo(text, path);
}

}  // namespace slimreel
