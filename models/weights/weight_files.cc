#include "models/weights/weight_files.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ShardMap = std::map<std::string, std::string>;  // tensor -> file

constexpr char kIndexSuffix[] = ".index.json";
constexpr char kFile[] = "model.safetensors";

// The first eight bytes of safetensors are a length, so they can have any values.
bool HasHeader(std::string_view bytes) { return bytes.size() > 8 && bytes[8] == '{'; }

// PyTorch's own formats: a zip archive, or a bare pickle of protocol 2 and later.
bool IsPickle(std::string_view bytes) {
  const bool bare = bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
  return !HasHeader(bytes) && (bare || bytes.starts_with("PK\x03\x04"));
}

// Describes a placeholder that lies under a weight file's name because the file itself was never
// fetched. Empty if the bytes are no placeholder.
absl::string_view DescribePlaceholder(std::string_view bytes) {
  if (bytes.starts_with("version https://git-lfs")) {
    return "a git-lfs pointer instead of the file: fetch the file with 'git lfs pull'";
  }
  const bool page = bytes.starts_with("<") && !HasHeader(bytes);
  return page ? "a web page, not the file: open its address in a browser to see what it asks for"
              : "";
}

absl::Status Malformed(const std::string& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, ": ", what));
}

absl::StatusOr<ShardMap> ParseIndex(const std::string& path, const std::string& text) {
  const json index = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    return Malformed(path, "no JSON object with a weight_map of tensor names to files");
  }
  ShardMap shards;
  for (const auto& [name, file] : index["weight_map"].items()) {
    // A file in another folder is not a shard of this set.
    if (!file.is_string() || file.get<std::string>().empty() ||
        absl::StrContains(file.get<std::string>(), '/')) {
      return Malformed(path, absl::StrCat("weight_map of '", name, "' is not a file name"));
    }
    shards[name] = file.get<std::string>();
  }
  return shards;
}

absl::StatusOr<std::string> FileInFolder(const std::string& folder) {
  for (const std::string& name : {absl::StrCat(kFile, kIndexSuffix), std::string(kFile)}) {
    const fs::path candidate = fs::path(folder) / name;
    if (fs::exists(candidate)) return candidate.string();
  }
  return absl::NotFoundError(absl::StrCat(
      folder, " holds neither ", kFile, kIndexSuffix, " nor ", kFile,
      "; give the file itself, or convert a .bin or .pth with tools/weights_to_safetensors.py"));
}

}  // namespace

absl::StatusOr<WeightFiles> WeightFiles::Open(const std::string& path) {
  WeightFiles files(path);
  std::string file = path;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    SLIMREEL_ASSIGN_OR_RETURN(file, FileInFolder(path));
  }
  SLIMREEL_RETURN_IF_ERROR(absl::EndsWith(file, kIndexSuffix) ? files.AddShards(file)
                                                              : files.AddFile(file, file));
  return files;
}

absl::Status WeightFiles::AddFile(const std::string& path, const std::string& given) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> file, MappedFile::Open(path));
  if (IsPickle(file->bytes())) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a PyTorch pickle, not safetensors: convert it with\n  ",
                     "tools/weights_to_safetensors.py ", given, " OUT.safetensors"));
  }
  const absl::string_view placeholder = DescribePlaceholder(file->bytes());
  if (!placeholder.empty()) return Malformed(path, absl::StrCat("it is ", placeholder));
  absl::StatusOr<SafetensorsHeader> header = ParseSafetensors(file->bytes());
  if (!header.ok()) return Malformed(path, header.status().message());
  file->Sequential();
  for (WeightEntry& entry : header->entries) {
    entries_.push_back(std::move(entry));
    file_of_.push_back(files_.size());
  }
  files_.push_back(std::move(file));
  metadata_ = std::move(header->metadata);
  return absl::OkStatus();
}

absl::Status WeightFiles::AddShards(const std::string& index_path) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string text, ReadFile(index_path));
  SLIMREEL_ASSIGN_OR_RETURN(ShardMap shard_of, ParseIndex(index_path, text));
  std::set<std::string> names;
  for (const auto& [tensor, file] : shard_of) names.insert(file);
  const fs::path folder = fs::path(index_path).parent_path();
  std::vector<std::string> absent;
  for (const std::string& name : names) {
    if (!fs::exists(folder / name)) absent.push_back(name);
  }
  if (!absent.empty()) {
    return Malformed(index_path, absl::StrCat(absent.size(), " of its ", names.size(),
                                              " shards are missing in its folder: ",
                                              absl::StrJoin(absent, ", ")));
  }
  for (const std::string& name : names) {
    const size_t before = entries_.size();
    SLIMREEL_RETURN_IF_ERROR(AddFile((folder / name).string(), index_path));
    for (size_t i = before; i < entries_.size(); ++i) {
      const auto found = shard_of.find(entries_[i].name);
      if (found == shard_of.end() || found->second != name) {
        return Malformed(index_path,
                         absl::StrCat("does not place tensor '", entries_[i].name, "' in ", name));
      }
      shard_of.erase(found);
    }
  }
  if (!shard_of.empty()) {
    return Malformed(index_path, absl::StrCat("places tensor '", shard_of.begin()->first, "' in ",
                                              shard_of.begin()->second, ", which lacks it"));
  }
  metadata_.clear();
  return absl::OkStatus();
}

}  // namespace slimreel
