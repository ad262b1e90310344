// The index of a shard (<shard>.idx): fixed-width records of samples and members,
// checked once when opened, then read without further checks. SHARD_FORMAT.md is
// the byte specification.
//
// Who calls it: the shard writer builds, the reader and verification read.
// Threading: IndexView is immutable.
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
  uint32_t source_number = 0;  // dense, by first appearance in the shard
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
  // `source_number` is found by the builder. The members that follow are this sample's.
  void AddSample(const IndexSample& sample);
  void AddMember(const IndexMember& member);
  int64_t num_samples() const { return num_samples_; }
  // The whole file, of the newest version.
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
  // `bytes` must outlive the view. DataLoss (without a path): damaged, or not of
  // a tar of `tar_bytes`; FailedPrecondition: a newer format. Version 1
  // (records without an origin) is read as well.
  static absl::StatusOr<IndexView> Parse(std::string_view bytes, uint64_t tar_bytes);

  int64_t num_samples() const { return num_samples_; }
  uint64_t num_members() const { return num_members_; }
  int64_t num_sources() const { return num_sources_; }
  IndexSample sample(int64_t sample) const;
  // Members [first, first + count) are the sample's.
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
  bool has_origins_ = false;                      // from version 2 on
  std::string_view samples_, members_, strings_;
};

}  // namespace slimreel

#endif  // DATA_SHARD_INDEX_H_
