// RUN/trained_on.bin: which stored samples a run has learnt from, so that it is never scored on
// them by mistake. Two ids a sample, of 64 bits: of its content (ShardDataset::ContentId) and of
// its video (ShardDataset::SourceId). So a copied or moved folder is the same data, also without
// its index, and so are the same videos prepared in another way.
//
//   offset  bytes  little-endian
//        0      8  "SLIMSEEN"
//        8      4  format, 1
//       12      4  0
//       16      8  number of ids N
//       24      8  XXH3-64 of what follows
//       32   8 * N ids of contents and of videos, ascending, each once
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

// Ascending, each once.
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

// Replaces the file atomically; leaves it alone where it says the same. Errors name the path.
absl::Status WriteTrainedOn(const std::string& run_dir, const SampleIds& ids);

// NotFound: there is none (a run of an earlier version); DataLoss: damaged;
// FailedPrecondition: of a newer version.
absl::StatusOr<SampleIds> ReadTrainedOn(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_TRAINED_ON_H_
