// RUN/trained_on.bin: the stored samples that a run has learnt from, so that it is never scored on
// them by mistake. Each sample has two ids of 64 bits: one of its content (ShardDataset::ContentId)
// and one of its video (ShardDataset::SourceId). So samples are recognised in a copied or moved
// folder, without an index, and if the same videos were prepared in another way.
//
//   offset  bytes  content, little-endian
//        0      8  "SLIMSEEN"
//        8      4  format, 1
//       12      4  0
//       16      8  number of ids N
//       24      8  XXH3-64 (seed 0) of the bytes that follow
//       32   8 * N ids of contents and of videos together, ascending, each once
//
// Threading: free functions without state.
#ifndef TRAINER_CHECKPOINT_TRAINED_ON_H_
#define TRAINER_CHECKPOINT_TRAINED_ON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

inline constexpr char kTrainedOnFile[] = "trained_on.bin";

// A set of ids, ascending.
class SampleIds {
 public:
  SampleIds() = default;
  explicit SampleIds(std::vector<uint64_t> ids);  // in any order, repeated or not

  const std::vector<uint64_t>& ids() const { return ids_; }
  bool Contains(uint64_t id) const;
  void Add(const SampleIds& more);
  friend bool operator==(const SampleIds&, const SampleIds&) = default;

 private:
  std::vector<uint64_t> ids_;
};

// Replaces the file atomically, unless it already holds `ids`. Errors name the path.
absl::Status WriteTrainedOn(const std::string& run_dir, const SampleIds& ids);

// Errors: NotFound if there is no file (a run of an earlier version), DataLoss if it is damaged,
// FailedPrecondition if a newer version wrote it.
absl::StatusOr<SampleIds> ReadTrainedOn(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_TRAINED_ON_H_
