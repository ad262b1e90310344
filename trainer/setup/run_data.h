// The samples that a run learns from, and those that it is evaluated on.
//
// Threading: one thread; the loaders have workers of their own. Ownership: a RunData owns its
// loaders.
#ifndef TRAINER_SETUP_RUN_DATA_H_
#define TRAINER_SETUP_RUN_DATA_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/memory_limits.h"
#include "configs/schema.h"
#include "data/loading/loader.h"
#include "trainer/checkpoint/trained_on.h"
#include "trainer/observers/observer.h"
#include "trainer/setup/learner.h"
#include "trainer/setup/loader_memory.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

struct RunData {
  std::unique_ptr<Loader> train;
  std::unique_ptr<Loader> val;  // null: nothing is evaluated during training
  LoaderRecord record;          // threads, queue and page-locked memory, for the summary
  LoadingNeeds needs;           // of both loaders
  Ceiling ceiling;              // what the loaders leave of the request's
  SampleIds trained_on;         // data.train's samples, and what the run learnt from before
};

// Opens data.train and, if the run evaluates, data.val. The loaders make what the slots of the
// learner's model hold, in batches of its batch terms. The batch of an evaluation is lowered to
// what the budget leaves beside the learner's tensors, so call this after MakeLearner. Errors: the
// loader's and those of SizeLoaders; InvalidArgument if data.val has other classes than data.train,
// or holds samples that the run learns from.
absl::StatusOr<RunData> OpenRunData(const Config& config, const RunRequest& request,
                                    const Learner& learner);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_DATA_H_
