#include "data/pipeline/split_folder.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "data/shard/shard_types.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

int64_t SizeOf(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? -1 : static_cast<int64_t>(size);
}

absl::Status Move(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? SystemError(error.value(), "move", from) : absl::OkStatus();
}

// "train-p03of16-000000.tar" without its number.
std::string NameOf(const SplitId& id) {
  const std::string name = FormatShardName({id.split, id.part, id.num_parts, 0});
  return name.substr(0, name.rfind('-'));
}

}  // namespace

SplitFolder::SplitFolder(SplitId id, std::unique_ptr<FileLock> lock)
    : id_(std::move(id)), name_(NameOf(id_)), lock_(std::move(lock)) {}

std::string SplitFolder::LockPath(const SplitId& id) {
  return absl::StrCat(id.folder, "/.", NameOf(id), ".lock");
}

absl::StatusOr<std::unique_ptr<SplitFolder>> SplitFolder::Open(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, FileLock::Try(LockPath(id)));
  if (lock == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(id.folder, ": another process is preparing ", id.split,
                     " into this folder; wait for it to end, or prepare into another --output"));
  }
  SLIMREEL_RETURN_IF_ERROR(lock->WriteNote(""));  // an earlier run's claim is none of this one
  auto opened = std::unique_ptr<SplitFolder>(new SplitFolder(id, std::move(lock)));
  SLIMREEL_RETURN_IF_ERROR(RemoveLeftovers(id.folder));
  return opened;
}

std::string SplitFolder::report_path() const {
  const std::string part =
      id_.part > 0 ? absl::StrFormat("-p%02dof%02d", id_.part, id_.num_parts) : "";
  const std::string split = id_.split == "train" ? "" : absl::StrCat("-", id_.split);
  return absl::StrCat(id_.folder, "/prepare_report", split, part, ".jsonl");
}

std::string SplitFolder::state_path() const {
  return absl::StrCat(id_.folder, "/.prepare-", name_, ".jsonl");
}

std::string SplitFolder::previous_folder() const {
  return absl::StrCat(id_.folder, "/.previous-", name_);
}

std::string SplitFolder::previous_state_path() const { return previous_folder() + "/state.jsonl"; }

std::set<std::string> SplitFolder::ShardsInPlace() const {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(id_.folder, error)) {
    ShardName shard;
    const std::string name = entry.path().filename();
    if (ParseShardName(name, &shard) && shard.split == id_.split && shard.part == id_.part &&
        shard.num_parts == id_.num_parts) {
      names.insert(name);
    }
  }
  return names;
}

void SplitFolder::DropMissing(RunState* state) const {
  for (size_t i = 0; i < state->shards.size(); ++i) {
    const std::string path = id_.folder + "/" + state->shards[i].file;
    if (SizeOf(path) == state->shards[i].bytes && SizeOf(IndexPathOf(path)) > 0) continue;
    state->shards.resize(i);
    state->complete = false;
  }
}

absl::Status SplitFolder::Remove(const std::string& tar) const {
  for (const std::string& path : {IndexPathOf(id_.folder + "/" + tar), id_.folder + "/" + tar}) {
    std::error_code error;
    fs::remove(path, error);
    if (error) return SystemError(error.value(), "remove", path);
  }
  return absl::OkStatus();
}

// A kill in the middle of the moves is taken up by the next run: what is listed
// in the previous folder's state and not yet there is moved then. New shards are
// written only when all moves are done, so a shard that is there already shows
// that the one in place is a newer one.
absl::Status SplitFolder::MakeRoom(const RunState& state, int64_t kept, bool reuse) const {
  std::set<std::string> in_place = ShardsInPlace();
  for (int64_t i = 0; i < kept; ++i) in_place.erase(state.shards[i].file);
  if (in_place.empty()) return absl::OkStatus();
  RunState previous = LoadRunState(previous_state_path());
  if (previous.fingerprint != state.fingerprint) {
    std::error_code error;
    fs::remove_all(previous_folder(), error);
    if (error) return SystemError(error.value(), "remove", previous_folder());
    previous = RunState();
  }
  if (reuse && previous.fingerprint.empty()) {
    SLIMREEL_RETURN_IF_ERROR(MakeFolders(previous_folder()));
    SLIMREEL_ASSIGN_OR_RETURN(auto log, RunLog::Start(previous_state_path(), state));
    previous = state;
  }
  std::set<std::string> listed;
  for (const ShardRecord& shard : previous.shards) listed.insert(shard.file);
  for (const std::string& tar : in_place) {
    const std::string to = previous_folder() + "/" + tar;
    if (reuse && listed.count(tar) > 0 && SizeOf(to) < 0) {
      // The index first: a .tar that is there has moved completely.
      const std::string from = id_.folder + "/" + tar;
      if (SizeOf(IndexPathOf(from)) >= 0) {
        SLIMREEL_RETURN_IF_ERROR(Move(IndexPathOf(from), IndexPathOf(to)));
      }
      SLIMREEL_RETURN_IF_ERROR(Move(from, to));
    } else {
      SLIMREEL_RETURN_IF_ERROR(Remove(tar));
    }
  }
  return absl::OkStatus();
}

absl::Status SplitFolder::RemoveStale(const RunState& state) const {
  std::set<std::string> stale = ShardsInPlace();
  for (const ShardRecord& shard : state.shards) stale.erase(shard.file);
  for (const std::string& tar : stale) SLIMREEL_RETURN_IF_ERROR(Remove(tar));
  std::error_code error;
  fs::remove_all(previous_folder(), error);
  return error ? SystemError(error.value(), "remove", previous_folder()) : absl::OkStatus();
}

}  // namespace slimreel
