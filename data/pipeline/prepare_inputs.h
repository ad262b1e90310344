// What one preparation works on: its videos in order with their keys, what other
// splits of the folder fix (classes, options), and the fingerprint of the options.
#ifndef DATA_PIPELINE_PREPARE_INPUTS_H_
#define DATA_PIPELINE_PREPARE_INPUTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/run_state.h"
#include "data/shard/dataset_info.h"

namespace slimreel {

struct PreparedInputs {
  std::vector<InputRecord> videos;  // of this part, outcomes empty
  // dataset.json as it shall be, the counts of this split still to be filled in.
  DatasetInfo info;
  bool info_changed = false;  // against the one on the disk: classes
  std::vector<std::string> warnings;
};

// InvalidArgument, NotFound: inputs and annotations; other splits of the folder
// with other classes or options.
absl::StatusOr<PreparedInputs> CollectInputs(const PrepareOptions& options);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_INPUTS_H_
