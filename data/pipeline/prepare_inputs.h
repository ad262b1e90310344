// The inputs of one preparation: its videos in order with their keys, the settings that other
// splits of the folder fix (classes, options), and the fingerprint of the options.
#ifndef DATA_PIPELINE_PREPARE_INPUTS_H_
#define DATA_PIPELINE_PREPARE_INPUTS_H_

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "data/pipeline/prepare_options.h"
#include "data/pipeline/shared_info.h"
#include "data/pipeline/source_video.h"
#include "data/shard/dataset_info.h"
#include "data/shard/part_inputs.h"

namespace slimreel {

struct CollectedInputs {
  std::vector<SourceVideo> videos;              // of this part
  std::unordered_set<std::string> other_paths;  // paths of the videos of other parts
  std::vector<PartInput> all;                   // videos of all parts; empty without parts
  std::vector<std::string> unreadable_folders;  // folders of the input that cannot be read now
  DatasetInfo info;     // the contents of dataset.json to be, without counts
  uint64_t recipe = 0;  // SampleOrigin::recipe of the samples of this preparation
  std::vector<std::string> warnings;
};

// Errors: InvalidArgument and NotFound for inputs and annotations; InvalidArgument if `others` of
// the folder have other classes or options; CANCELLED if interrupted.
absl::StatusOr<CollectedInputs> CollectInputs(const PrepareOptions& options,
                                              const OtherSplits& others);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_INPUTS_H_
