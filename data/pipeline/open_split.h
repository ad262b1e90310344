// The first step of a preparation: lists the inputs, locks the split, and makes the splits of one
// folder agree.
//
// Threading: one call per folder and split at a time; a lock refuses a second one.
#ifndef DATA_PIPELINE_OPEN_SPLIT_H_
#define DATA_PIPELINE_OPEN_SPLIT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "data/pipeline/prepare_inputs.h"
#include "data/pipeline/prepare_options.h"
#include "data/pipeline/split_folder.h"

namespace slimreel {

struct OpenedSplit {
  CollectedInputs inputs;
  std::unique_ptr<SplitFolder> folder;  // holds the split's lock, with a claim (shared_info.h)
};

// Errors: those of CollectInputs; InvalidArgument: the folder holds the split in another division;
// FailedPrecondition: another process is preparing the split; CANCELLED: interrupted while waiting
// for another process.
absl::StatusOr<OpenedSplit> OpenSplit(const PrepareOptions& options);

}  // namespace slimreel

#endif  // DATA_PIPELINE_OPEN_SPLIT_H_
