#include "data/shard/shard_commands.h"

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/exit_code.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"
#include "data/shard/dataset_info.h"
#include "data/shard/join_parts.h"
#include "data/shard/list_shards.h"
#include "data/shard/rebuild_index.h"
#include "data/shard/shard_file.h"
#include "data/shard/shard_reader.h"
#include "data/shard/split_check.h"

namespace slimreel {
namespace {

using nlohmann::json;

std::string Dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<json> Summary(const ShardDataset& dataset) {
  json shards = json::array();
  std::vector<int64_t> samples(dataset.shards().size());
  int64_t frames = 0, unlabelled = 0;
  std::map<std::string, int64_t> sizes;
  for (int64_t i = 0; i < dataset.num_samples(); ++i) {
    const SampleInfo info = dataset.sample(i);
    ++samples[static_cast<size_t>(info.shard)];
    frames += info.num_frames;
    unlabelled += info.label < 0 ? 1 : 0;
    ++sizes[absl::StrCat(info.width, "x", info.height)];
  }
  int64_t bytes = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(dataset.shards()[i], error));
    shards.push_back({{"path", dataset.shards()[i]}, {"samples", samples[i]}, {"bytes", size}});
    bytes += size;
  }
  return json{{"split", dataset.split()},   {"samples", dataset.num_samples()},
              {"frames", frames},           {"videos", dataset.videos().size()},
              {"unlabelled", unlabelled},   {"bytes", bytes},
              {"frame_sizes", json(sizes)}, {"shards", shards}};
}

void PrintSummary(const json& split, std::ostream& out) {
  out << split["split"].get<std::string>() << ": " << split["samples"] << " samples of "
      << split["videos"] << " videos, " << split["frames"] << " frames, " << split["unlabelled"]
      << " without a label, " << split["bytes"] << " bytes\n";
  for (const auto& [size, count] : split["frame_sizes"].items()) {
    out << "  " << count << " samples of " << size << "\n";
  }
  for (const json& shard : split["shards"]) {
    out << "  " << shard["path"].get<std::string>() << ": " << shard["samples"] << " samples, "
        << shard["bytes"] << " bytes\n";
  }
}

// Lists all splits that can be read, even if another cannot; then returns the first error.
absl::Status List(const ShardCommand& command, std::ostream& out) {
  SLIMREEL_ASSIGN_OR_RETURN(const ShardPaths splits, ListShards(command.folder, command.split));
  json all = json::array();
  std::vector<std::string> classes;
  absl::Status first_error;
  for (const auto& [split, paths] : splits) {
    const auto dataset = ShardDataset::Open(command.folder, split);
    first_error.Update(dataset.status());
    if (!dataset.ok()) continue;
    SLIMREEL_ASSIGN_OR_RETURN(const json summary, Summary(**dataset));
    classes = (*dataset)->classes();
    all.push_back(summary);
    if (!command.json) PrintSummary(summary, out);
  }
  if (command.json) {
    out << Dump({{"splits", all}, {"classes", classes}});
    return first_error;
  }
  if (all.empty()) return first_error;
  out << "classes (" << classes.size() << "):";
  for (const std::string& name : classes) out << " " << name;
  out << "\n";
  return first_error;
}

absl::Status Show(const ShardCommand& command, std::ostream& out) {
  // Open takes the only split of a folder under any name, so a wrong name is checked here.
  if (!command.split.empty()) {
    SLIMREEL_RETURN_IF_ERROR(ListShards(command.folder, command.split).status());
  }
  const std::string split = command.split.empty() ? "train" : command.split;
  SLIMREEL_ASSIGN_OR_RETURN(const auto dataset, ShardDataset::Open(command.folder, split));
  if (command.sample < 0 || command.sample >= dataset->num_samples()) {
    return absl::InvalidArgumentError(absl::StrCat("--sample is ", command.sample, ", but split ",
                                                   dataset->split(), " has samples 0 to ",
                                                   dataset->num_samples() - 1));
  }
  const SampleInfo info = dataset->sample(command.sample);
  SLIMREEL_ASSIGN_OR_RETURN(const auto members, dataset->Members(command.sample));
  json listed = json::array();
  for (const MemberInfo& member : members) {
    listed.push_back({{"kind", MemberKindName(member.kind)},
                      {"ordinal", member.ordinal},
                      {"offset", member.offset},
                      {"bytes", member.content.size()}});
  }
  json keypoints;
  if (dataset->Has(command.sample, MemberKind::kKeypoints)) {
    SLIMREEL_ASSIGN_OR_RETURN(const KeypointsView view, dataset->Keypoints(command.sample));
    keypoints = {view.persons, view.frames, view.joints, 3};
  }
  auto metadata = dataset->Metadata(command.sample);
  if (!metadata.ok() && !absl::IsNotFound(metadata.status())) return metadata.status();
  out << Dump({{"key", info.key},
               {"shard", dataset->shards()[static_cast<size_t>(info.shard)]},
               {"label", info.label},
               {"shape", {info.num_frames, info.height, info.width, 3}},
               {"keypoints", keypoints},
               {"video", dataset->videos()[static_cast<size_t>(info.video)]},
               {"members", listed},
               {"metadata", metadata.ok() ? *metadata : json()}});
  return absl::OkStatus();
}

// Checks the hashes of every sample, and that tar and index have equally many members. Returns one
// line for each damage, and adds the shard to `counts`. A file that cannot be opened or mapped is
// an error, not damage.
absl::StatusOr<std::vector<std::string>> FindDamage(const std::string& path, SplitCounts* counts) {
  auto shard = ShardFile::Open(path);
  std::vector<std::string> damage;
  if (absl::IsDataLoss(shard.status())) {
    damage.emplace_back(shard.status().message());
    return damage;
  }
  SLIMREEL_RETURN_IF_ERROR(shard.status());
  ++counts->shards;
  counts->samples += (*shard)->index().num_samples();
  counts->bytes += static_cast<int64_t>((*shard)->tar().bytes().size());
  for (int64_t i = 0; i < (*shard)->index().num_samples(); ++i) {
    counts->frames += (*shard)->index().sample(i).num_frames;
    const absl::Status status = (*shard)->Verify(i);
    if (!status.ok()) damage.emplace_back(status.message());
  }
  const auto rebuilt = RebuildIndex((*shard)->tar().bytes());
  if (!rebuilt.ok()) {
    damage.push_back(absl::StrCat(path, ": ", rebuilt.status().message()));
    return damage;
  }
  const auto view = IndexView::Parse(*rebuilt, (*shard)->tar().bytes().size());
  if (view.ok() && (view->num_samples() != (*shard)->index().num_samples() ||
                    view->num_members() != (*shard)->index().num_members())) {
    damage.push_back(absl::StrCat(path, ": the tar holds ", view->num_members(),
                                  " members, but its index lists ",
                                  (*shard)->index().num_members()));
  }
  return damage;
}

// What `verify` finds, as lines of text.
struct Findings {
  std::vector<std::string> damage;      // of shards
  std::vector<std::string> not_whole;   // splits that differ from dataset.json
  std::vector<std::string> unfinished;  // splits that are not completely prepared
};

// Adds an error about the data to `lines`. Returns any other error.
absl::Status CollectDataError(const absl::Status& status, std::vector<std::string>* lines) {
  if (status.ok()) return status;
  if (ExitCodeOf(status) != ExitCode::kDataUnusable) return status;
  lines->emplace_back(status.message());
  return absl::OkStatus();
}

// Compares one split with dataset.json (null: there is none). `all_open`: all shards of the split
// could be opened, so `counts` is complete.
absl::Status CheckSplit(const std::string& folder, const std::string& split,
                        const std::vector<std::string>& paths, const SplitCounts& counts,
                        bool all_open, const DatasetInfo* info, Findings* found) {
  const absl::Status finished = CheckSplitIsFinished(folder, split, paths, info);
  if (absl::IsUnavailable(finished)) return CollectDataError(finished, &found->unfinished);
  if (!finished.ok()) return CollectDataError(finished, &found->not_whole);
  if (info == nullptr || !all_open) return absl::OkStatus();
  return CollectDataError(CheckSplitCounts(folder, split, counts, *info), &found->not_whole);
}

absl::Status Result(const Findings& found, const ShardCommand& command, size_t shards,
                    std::ostream& out) {
  if (command.json) {
    out << Dump({{"shards", shards},
                 {"damage", found.damage},
                 {"not_whole", found.not_whole},
                 {"unfinished", found.unfinished}});
  } else {
    // Not damage: the shards of a stopped preparation are intact, only some are missing.
    for (const std::string& line : found.unfinished) out << line << "\n";
  }
  std::vector<std::string> lines = found.damage;
  if (!found.damage.empty()) {
    lines.push_back(
        absl::StrCat(found.damage.size(), " damaged; delete these shards and run prepare again"));
  }
  lines.insert(lines.end(), found.not_whole.begin(), found.not_whole.end());
  return lines.empty() ? absl::OkStatus() : absl::DataLossError(absl::StrJoin(lines, "\n"));
}

absl::Status VerifyAll(const ShardCommand& command, std::ostream& out) {
  SLIMREEL_ASSIGN_OR_RETURN(const ShardPaths splits, ListShards(command.folder, command.split));
  Findings found;
  size_t shards = 0;
  const auto info = ReadDatasetInfo(command.folder);
  if (!absl::IsNotFound(info.status())) {
    SLIMREEL_RETURN_IF_ERROR(CollectDataError(info.status(), &found.not_whole));
  }
  for (const auto& [split, paths] : splits) {
    const size_t lines = found.not_whole.size() + found.unfinished.size();
    SplitCounts counts;
    for (const std::string& path : paths) {
      SLIMREEL_ASSIGN_OR_RETURN(const std::vector<std::string> damage, FindDamage(path, &counts));
      found.damage.insert(found.damage.end(), damage.begin(), damage.end());
      if (!command.json) out << path << ": " << (damage.empty() ? "ok" : "DAMAGED") << "\n";
    }
    shards += paths.size();
    const bool all_open = counts.shards == static_cast<int64_t>(paths.size());
    if (info.ok() || absl::IsNotFound(info.status())) {
      SLIMREEL_RETURN_IF_ERROR(CheckSplit(command.folder, split, paths, counts, all_open,
                                          info.ok() ? &*info : nullptr, &found));
    }
    if (command.json || !info.ok() || !all_open) continue;
    const bool whole = lines == found.not_whole.size() + found.unfinished.size();
    out << "split " << split << ": " << (whole ? "whole" : "NOT WHOLE") << "\n";
  }
  for (const auto& [split, counts] : info.ok() ? info->splits : DatasetInfo().splits) {
    if (splits.count(split) > 0 || !(command.split.empty() || command.split == split)) continue;
    SLIMREEL_RETURN_IF_ERROR(
        CollectDataError(CheckSplitCounts(command.folder, split, {}, *info), &found.not_whole));
  }
  return Result(found, command, shards, out);
}

absl::Status Index(const ShardCommand& command, std::ostream& out) {
  if (!command.format.empty()) {
    return absl::UnimplementedError(
        absl::StrCat("--format=", command.format,
                     " is not yet available; leave --format out to join "
                     "the parts of a divided preparation"));
  }
  SLIMREEL_ASSIGN_OR_RETURN(const JoinedParts joined, JoinParts(command.folder));
  if (command.json) {
    out << Dump({{"parts", joined.num_parts}, {"written", joined.written}});
    return absl::OkStatus();
  }
  out << joined.num_parts << " parts joined into\n";
  for (const std::string& path : joined.written) out << "  " << path << "\n";
  return absl::OkStatus();
}

}  // namespace

absl::Status RunShardCommand(const ShardCommand& command, std::ostream& out) {
  if (command.verb == "list") return List(command, out);
  if (command.verb == "show") return Show(command, out);
  if (command.verb == "verify") return VerifyAll(command, out);
  if (command.verb == "index") return Index(command, out);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown command '", command.verb, "'; use list, show, verify or index",
                   DidYouMean(command.verb, {"list", "show", "verify", "index"})));
}

}  // namespace slimreel
