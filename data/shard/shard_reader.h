// Random access to the samples of one split of a shard folder, zero-copy over
// mapped tar files. Opening reads the indexes, not the samples.
//
// Who calls it: data/loading, data/shards_main, benchmarks.
// Threading: const methods from any number of threads at once.
// Ownership: the dataset owns the mappings; views die with it. A shard must not
// be cut short while it is mapped (published shards never change).
#ifndef DATA_SHARD_SHARD_READER_H_
#define DATA_SHARD_SHARD_READER_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/shard/dataset_info.h"
#include "data/shard/shard_types.h"

namespace slimreel {

struct MemberInfo {
  MemberKind kind = MemberKind::kOther;
  uint32_t ordinal = 0;
  std::string_view content;  // mapped
  uint64_t offset = 0;       // of the content in the tar
};

class ShardDataset {
 public:
  // `split`: takes <split>-*.tar; where the folder holds one split only, that one
  // whatever its name. Samples are numbered over the shards in the order of their
  // names. Errors, each with the path: NotFound (no folder, no shards, no such
  // split), DataLoss (damaged shard or index, a label without a class, other shards than
  // dataset.json counts), FailedPrecondition (newer format; exit code 3: a split that is
  // not completely prepared, see split_check.h).
  // A missing index is rebuilt in memory by reading the tar once.
  static absl::StatusOr<std::unique_ptr<ShardDataset>> Open(const std::string& folder,
                                                            const std::string& split);
  virtual ~ShardDataset() = default;

  virtual int64_t num_samples() const = 0;
  virtual const std::string& split() const = 0;                 // the one taken
  virtual const std::vector<std::string>& shards() const = 0;   // paths of the .tar files
  virtual const std::vector<std::string>& videos() const = 0;   // sources, by SampleInfo::video
  virtual const DatasetInfo& info() const = 0;                  // dataset.json; empty where none is
  virtual const std::vector<std::string>& classes() const = 0;  // by label; of dataset.json

  // Below, `sample` must lie in [0, num_samples()). O(1), no JSON is parsed.
  virtual SampleInfo sample(int64_t sample) const = 0;

  // Of the index alone: has the sample such a member?
  virtual bool Has(int64_t sample, MemberKind kind) const = 0;

  // Equal for samples of equal content, in whatever folder they lie: of the index's hash of the
  // frames, else of the keypoints. A rebuilt index has no hashes: of source and key, and of length,
  // head and tail of the first member.
  virtual uint64_t ContentId(int64_t sample) const = 0;

  // Equal for samples of one video file, whatever was done to it: of the file's size and digest,
  // which the tar holds as well as the index. Where the origin is not known, as ContentId of a
  // rebuilt index.
  virtual uint64_t SourceId(int64_t sample) const = 0;

  // Errors of all below: DataLoss with the path and the member, NotFound where
  // the sample has no such member.
  virtual absl::StatusOr<FramesView> Frames(int64_t sample) const = 0;
  virtual absl::StatusOr<KeypointsView> Keypoints(int64_t sample) const = 0;
  virtual absl::StatusOr<std::string_view> Member(int64_t sample, MemberKind kind,
                                                  uint32_t ordinal = 0) const = 0;
  virtual absl::StatusOr<std::vector<MemberInfo>> Members(int64_t sample) const = 0;
  virtual absl::StatusOr<nlohmann::json> Metadata(int64_t sample) const = 0;

  // Compares the hash of every member with the index. Where the index was rebuilt
  // there is nothing to compare with, and only the structure is checked.
  virtual absl::Status Verify(int64_t sample) const = 0;

  // Tells the system which frames will be read soon, or will not be read again
  // (frames [first, first + count) of Frames(sample)). Never fails.
  virtual void WillNeed(int64_t sample, int64_t first, int64_t count) const = 0;
  virtual void DontNeed(int64_t sample) const = 0;
};

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_READER_H_
