// What one preparation works on: its videos in order with their keys, what other
// splits of the folder fix (classes, options), and the fingerprint of the options.
#ifndef DATA_PIPELINE_PREPARE_INPUTS_H_
#define DATA_PIPELINE_PREPARE_INPUTS_H_

#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/input_video.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/shared_info.h"
#include "data/shard/dataset_info.h"
#include "data/shard/part_inputs.h"

namespace slimreel {

struct PreparedInputs {
  std::vector<PreparedVideo> videos;            // of this part
  std::unordered_set<std::string> other_paths;  // of the videos of other parts
  std::vector<PartInput> all;                   // videos of all parts; only where there are parts
  // Folders of the input that cannot be read now.
  std::vector<std::string> unreadable_folders;
  DatasetInfo info;     // as dataset.json shall be, without counts
  uint64_t recipe = 0;  // SampleOrigin::recipe of what is prepared now
  std::vector<std::string> warnings;
};

// InvalidArgument, NotFound: inputs and annotations; `others` of the folder have
// other classes or options.
absl::StatusOr<PreparedInputs> CollectInputs(const PrepareOptions& options,
                                             const OtherSplits& others);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_INPUTS_H_
