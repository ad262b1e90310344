// The shards of one split (or one part of it) in a shard folder: its lock, what stands, and
// how new shards take the place of old ones.
//
// Shards that a reader may be using stay until all new ones are complete: those are written
// into the staging folder, .next-train, and moved at the end. Where nothing is listed in
// dataset.json yet, new shards are written into the folder itself.
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

// A shard file by its place.
struct PlacedShard {
  std::string path;  // of the .tar
  int64_t number = 0;
  bool staged = false;
};

class SplitFolder {
 public:
  // Takes the split's lock in the folder, which must be there, without a claim, and clears
  // away what killed runs left half-written. FailedPrecondition: another process prepares this
  // split into this folder.
  static absl::StatusOr<std::unique_ptr<SplitFolder>> Open(const SplitId& id);
  SplitFolder(const SplitFolder&) = delete;
  SplitFolder& operator=(const SplitFolder&) = delete;

  const SplitId& id() const { return id_; }
  // What other processes learn from the lock while this one holds it (shared_info.h).
  absl::Status WriteClaim(const std::string& claim) { return lock_->WriteNote(claim); }

  // Those in place by number, behind them the staged ones by number.
  std::vector<PlacedShard> Shards() const;

  // Whether Publish would move or remove anything.
  bool IsPublished(const std::vector<PlacedShard>& shards) const;
  // `shards`: what the split consists of, by number from 0. Moves the staged ones into place,
  // removes all others of this split and part, and the staging folder. A kill at any moment
  // leaves whole shards, each in one of the two places, for the next run to find.
  absl::Status Publish(const std::vector<PlacedShard>& shards) const;

 private:
  SplitFolder(SplitId id, std::unique_ptr<FileLock> lock)
      : id_(std::move(id)), lock_(std::move(lock)) {}
  std::vector<PlacedShard> ShardsIn(const std::string& folder, bool staged) const;

  const SplitId id_;
  const std::unique_ptr<FileLock> lock_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SPLIT_FOLDER_H_
