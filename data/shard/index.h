// The index of a shard (<shard>.idx): fixed-width records of samples and members.
// IndexView checks them once when it is made, and then reads them without further
// checks. SHARD_FORMAT.md is the byte specification.
//
// Threading: IndexView is immutable; use an IndexBuilder from one thread.
#ifndef DATA_SHARD_INDEX_H_
#define DATA_SHARD_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/shard/sample_origin.h"
#include "data/shard/shard_types.h"

namespace slimreel {

struct IndexHash {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const IndexHash&, const IndexHash&) = default;
};
// XXH3, 128 bits, seed 0.
IndexHash HashContent(std::string_view content);

struct IndexSample {
  std::string_view key;
  std::string_view source;
  uint32_t source_number = 0;  // 0, 1, ... by first appearance in the shard
  int64_t label = -1;
  uint32_t num_frames = 0;
  uint32_t height = 0;
  uint32_t width = 0;
  SampleOrigin origin = {};
};

struct IndexMember {
  MemberKind kind = MemberKind::kOther;
  uint32_t ordinal = 0;
  uint64_t offset = 0;  // of the content in the tar
  uint64_t length = 0;
  bool has_hash = false;  // false in an index rebuilt from a tar
  IndexHash hash;
};

class IndexBuilder {
 public:
  // Ignores `source_number` and assigns it. The members that are added next belong to this sample.
  void AddSample(const IndexSample& sample);
  void AddMember(const IndexMember& member);
  int64_t num_samples() const { return num_samples_; }
  // The bytes of the index file, in the newest version of the format.
  std::string Build(uint64_t tar_bytes) const;

 private:
  uint64_t AddString(std::string_view text);

  int64_t num_samples_ = 0;
  uint64_t num_members_ = 0;
  std::string samples_, members_, strings_;
  struct Source {
    uint32_t number;
    uint64_t offset;
  };
  absl::flat_hash_map<std::string, Source> sources_;
};

class IndexView {
 public:
  IndexView() = default;
  // `bytes` must outlive the view. Also reads version 1, which stores no origins. Errors name
  // no path. DataLoss: the index is damaged, or belongs to a tar of another size.
  // FailedPrecondition: its format is newer.
  static absl::StatusOr<IndexView> Parse(std::string_view bytes, uint64_t tar_bytes);

  int64_t num_samples() const { return num_samples_; }
  uint64_t num_members() const { return num_members_; }
  int64_t num_sources() const { return num_sources_; }
  IndexSample sample(int64_t sample) const;
  // Members [first, first + count) belong to the sample.
  struct Range {
    uint64_t first = 0;
    uint64_t count = 0;
  };
  Range members_of(int64_t sample) const;
  IndexMember member(uint64_t member) const;

 private:
  absl::Status CheckSamples();
  absl::Status CheckMembers(uint64_t tar_bytes) const;
  const char* SampleRecord(int64_t sample) const;
  const char* MemberRecord(uint64_t member) const;

  int64_t num_samples_ = 0;
  uint64_t num_members_ = 0;
  int64_t num_sources_ = 0;
  uint64_t sample_bytes_ = 0, member_bytes_ = 0;  // widths of the records
  bool has_origins_ = false;                      // version 2 and later
  std::string_view samples_, members_, strings_;
};

}  // namespace slimreel

#endif  // DATA_SHARD_INDEX_H_
