// Batch sizes as the configuration means them (design.md, "Batch terms" and
// "BatchNorm"). Pure numbers.
#ifndef TRAINER_SETUP_BATCH_TERMS_H_
#define TRAINER_SETUP_BATCH_TERMS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "configs/schema.h"

namespace slimreel {

struct BatchTerms {
  int64_t effective_batch = 0;
  int64_t micro_batch = 0;   // samples per forward pass
  int64_t norm_group = 0;    // StageContext::norm_group; 0: the model does not need it
  bool norm_frozen = false;  // StageContext::norm_frozen
  // Smallest micro-batch of a plan; others are multiples of it. 0: no such bound.
  int64_t min_micro_batch = 0;
};

// From data.batch_size, train.accumulate_grad_batches, train.effective_batch_size and
// model.norm_group. InvalidArgument: the effective batch is split, and its micro-batches do not
// consist of whole normalisation groups.
absl::StatusOr<BatchTerms> MakeBatchTerms(const Config& config, bool has_batch_norm);

// Samples of the smallest normalisation group in the next `steps` steps. An epoch has
// `epoch_samples` samples; the current one has used up `position` of them. The last step of an
// epoch and its last group may be short. 0: BatchNorm takes no statistics.
int64_t SmallestNormGroup(const BatchTerms& terms, int64_t epoch_samples, int64_t position,
                          int64_t steps);

// Fits the micro-batch of a plan that was made under other terms: the result is the whole
// effective batch, or as many whole normalisation groups as `micro_batch` holds, at least one.
int64_t FitMicroBatch(int64_t micro_batch, const BatchTerms& terms);

}  // namespace slimreel

#endif  // TRAINER_SETUP_BATCH_TERMS_H_
