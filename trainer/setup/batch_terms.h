// Batch sizes as the configuration means them (design.md, "Batch terms" and
// "BatchNorm"). Pure numbers.
#ifndef TRAINER_SETUP_BATCH_TERMS_H_
#define TRAINER_SETUP_BATCH_TERMS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "configs/model_options.h"

namespace slimreel {

struct BatchRequest {
  int64_t batch_size = 8;               // data.batch_size
  int64_t accumulate_grad_batches = 1;  // train.accumulate_grad_batches
  int64_t effective_batch_size = 0;     // train.effective_batch_size; 0: not set
  NormGroup norm_group{};               // model.norm_group
  bool has_batch_norm = false;          // of the model
};

struct BatchTerms {
  int64_t effective_batch = 0;
  int64_t micro_batch = 0;   // samples per forward pass
  int64_t norm_group = 0;    // StageContext::norm_group; 0: the model has no use for it
  bool norm_frozen = false;  // StageContext::norm_frozen
  // The plan is never tightened below, and stays a multiple of it; 0: no such bound.
  int64_t min_micro_batch = 0;
};

// InvalidArgument: a normalisation group that micro-batches are no multiple of, while
// the effective batch is split.
absl::StatusOr<BatchTerms> MakeBatchTerms(const BatchRequest& request);

// Samples of the smallest normalisation group in `steps` steps to come of a run whose epochs
// have `epoch_samples`, `position` of which are used up in the first; 0: BatchNorm takes no
// statistics. The epoch's last step, and its last group, may be short.
int64_t SmallestNormGroup(const BatchTerms& terms, int64_t epoch_samples, int64_t position,
                          int64_t steps);

// The micro-batch that a plan of `micro_batch` samples, made under other terms, runs with under
// these: whole normalisation groups, at least one, or the whole effective batch.
int64_t FitMicroBatch(int64_t micro_batch, const BatchTerms& terms);

}  // namespace slimreel

#endif  // TRAINER_SETUP_BATCH_TERMS_H_
