// What a run trains: the model, and the parts that compute its gradients and update it.
//
// Threading: one thread. Ownership: a learner owns its parts. The executor and the optimizer
// borrow from the model; all of them stay where they are when a learner is moved.
#ifndef TRAINER_SETUP_LEARNER_H_
#define TRAINER_SETUP_LEARNER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "memory/executor/executor.h"
#include "memory/paging/host_pool.h"
#include "memory/paging/offload_stack.h"
#include "models/chain/model.h"
#include "trainer/optim/optimizer.h"
#include "trainer/setup/batch_terms.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

struct Learner {
  std::unique_ptr<Model> model;
  BatchTerms batch;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<HostPool> host_pool;          // for what a plan takes off the device
  std::unique_ptr<OffloadStack> offload_stack;  // the executor's; null: stage inputs stay
  std::unique_ptr<Optimizer> optimizer;
  int64_t model_bytes = 0;      // of tensors on the device when the model was made
  int64_t load_peak_bytes = 0;  // the most until then; 0: not known (accelerators)
};

// Takes the class names from data.train, builds the model on `request.device`, reads model.weights
// if the run is new, and makes the optimizer's state. A budget must be in force before the call, so
// that all of this counts. Errors: the factory's and those of SetUpModel and MakeBatchTerms;
// InvalidArgument if model.num_classes or train.class_weights do not fit the data or the model.
absl::StatusOr<Learner> MakeLearner(const Config& config, const RunRequest& request);

}  // namespace slimreel

#endif  // TRAINER_SETUP_LEARNER_H_
