// Random access to the samples of one split of a shard folder, without copies, over
// mapped tar files. Opening reads the indexes and no samples.
//
// Threading: const methods from any number of threads at once.
// Ownership: the dataset owns the mappings; views die with it. A shard must not be
// truncated while it is mapped (published shards never change).
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
  // Opens <split>-*.tar. If the folder holds only one split, it opens that one, whatever its name.
  // Samples are numbered over the shards in the order of their names. A missing index is rebuilt
  // in memory by reading the tar once. Errors name the path:
  //   InvalidArgument     the folder is a file
  //   NotFound            no folder, no shards, or no such split
  //   DataLoss            a damaged shard or index, a label without a class, or shards that differ
  //                       from the counts in dataset.json
  //   Unavailable, FailedPrecondition (exit code 3)  the split is not completely prepared
  //                       (split_check.h)
  //   FailedPrecondition  a newer format
  static absl::StatusOr<std::unique_ptr<ShardDataset>> Open(const std::string& folder,
                                                            const std::string& split);
  virtual ~ShardDataset() = default;

  virtual int64_t num_samples() const = 0;
  virtual const std::string& split() const = 0;                // the split that was opened
  virtual const std::vector<std::string>& shards() const = 0;  // paths of the .tar files
  virtual const std::vector<std::string>& videos()
      const = 0;                                // source paths, indexed by SampleInfo::video
  virtual const DatasetInfo& info() const = 0;  // of dataset.json; empty if there is none
  virtual const std::vector<std::string>& classes() const = 0;  // of dataset.json, indexed by label

  // In all methods below `sample` must lie in [0, num_samples()).
  //
  // O(1); parses no JSON.
  virtual SampleInfo sample(int64_t sample) const = 0;

  // Whether the sample has such a member. Reads only the index.
  virtual bool Has(int64_t sample, MemberKind kind) const = 0;

  // An ID that is equal for samples of equal content, in any folder: from the index's hash of the
  // frames, or of the keypoints if there are no frames. A rebuilt index has no hashes; the ID is
  // then a hash of source, key, and the length, start and end of the first member.
  virtual uint64_t ContentId(int64_t sample) const = 0;

  // An ID that is equal for all samples of one video file, however it was prepared: a hash of the
  // file's size and digest, which both the tar and the index hold. If the origin is not known, the
  // same ID as ContentId with a rebuilt index.
  virtual uint64_t SourceId(int64_t sample) const = 0;

  // Errors of the methods below: DataLoss names the path and the member. NotFound: the sample has
  // no such member.
  virtual absl::StatusOr<FramesView> Frames(int64_t sample) const = 0;
  virtual absl::StatusOr<KeypointsView> Keypoints(int64_t sample) const = 0;
  virtual absl::StatusOr<std::string_view> Member(int64_t sample, MemberKind kind,
                                                  uint32_t ordinal = 0) const = 0;
  virtual absl::StatusOr<std::vector<MemberInfo>> Members(int64_t sample) const = 0;
  virtual absl::StatusOr<nlohmann::json> Metadata(int64_t sample) const = 0;

  // Compares the hash of every member with the index. A rebuilt index has no hashes; then only the
  // structure is checked.
  virtual absl::Status Verify(int64_t sample) const = 0;

  // Advises the system that frames [first, first + count) will be read soon (WillNeed), or that no
  // frame of the sample will be read again (DontNeed). Never fails.
  virtual void WillNeed(int64_t sample, int64_t first, int64_t count) const = 0;
  virtual void DontNeed(int64_t sample) const = 0;
};

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_READER_H_
