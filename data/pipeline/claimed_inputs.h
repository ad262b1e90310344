// The beginning of a preparation: checked options, listed inputs, and the claim that makes
// splits of one folder agree. Threading: one call per folder and split at a time (a lock refuses
// a second one).
#ifndef DATA_PIPELINE_CLAIMED_INPUTS_H_
#define DATA_PIPELINE_CLAIMED_INPUTS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/prepare_inputs.h"
#include "data/pipeline/split_folder.h"

namespace slimreel {

// InvalidArgument, Unimplemented: what the options alone say.
absl::Status CheckPrepareOptions(const PrepareOptions& options);

// What a run works on, once its claim stands.
struct ClaimedInputs {
  PreparedInputs inputs;
  std::unique_ptr<SplitFolder> folder;
};

// Errors of CollectInputs; InvalidArgument: the folder holds another division of the split;
// FailedPrecondition: another process prepares it; CANCELLED while it waits for others.
absl::StatusOr<ClaimedInputs> ClaimInputs(const PrepareOptions& options);

}  // namespace slimreel

#endif  // DATA_PIPELINE_CLAIMED_INPUTS_H_
