// The shards of one split (or of one part of it) in a shard folder: its lock, the shards that it
// has, and how new shards replace old ones.
//
// Shards that dataset.json lists may be in use by a reader. They stay until all new ones are
// complete: new shards are written into the staging folder, .next-train, and moved at the end. If
// dataset.json does not list the split yet, new shards are written into the folder itself.
// Threading: one thread at a time; a lock excludes other processes.
#ifndef DATA_PIPELINE_SPLIT_FOLDER_H_
#define DATA_PIPELINE_SPLIT_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"
#include "data/pipeline/split_id.h"

namespace slimreel {

struct ShardLocation {
  std::string path;  // of the .tar
  int64_t number = 0;
  bool staged = false;  // in the staging folder
};

class SplitFolder {
 public:
  // Takes the split's lock, without a claim, and removes the half-written files of killed
  // preparations. The folder must exist. FailedPrecondition: another process is preparing this
  // split into this folder.
  static absl::StatusOr<std::unique_ptr<SplitFolder>> Open(const SplitId& id);
  SplitFolder(const SplitFolder&) = delete;
  SplitFolder& operator=(const SplitFolder&) = delete;

  const SplitId& id() const { return id_; }
  // Other processes can read `claim` while this one holds the lock (shared_info.h).
  absl::Status WriteClaim(const std::string& claim) { return lock_->WriteNote(claim); }

  // The shards in place by number, then the staged ones by number.
  std::vector<ShardLocation> Shards() const;

  // True if Publish would neither move nor remove a shard.
  bool IsPublished(const std::vector<ShardLocation>& shards) const;
  // Makes `shards` (numbered from 0) the split: moves the staged ones into place, and removes all
  // other shards of this split and part and the staging folder. A kill at any moment leaves whole
  // shards, each in one of the two places, for the next preparation to find.
  absl::Status Publish(const std::vector<ShardLocation>& shards) const;

 private:
  SplitFolder(SplitId id, std::unique_ptr<FileLock> lock)
      : id_(std::move(id)), lock_(std::move(lock)) {}
  std::vector<ShardLocation> ShardsIn(const std::string& folder, bool staged) const;

  const SplitId id_;
  const std::unique_ptr<FileLock> lock_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SPLIT_FOLDER_H_
