#include "trainer/setup/batch_terms.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "memory/policy/split.h"

namespace slimreel {

absl::StatusOr<BatchTerms> MakeBatchTerms(const Config& config, bool has_batch_norm) {
  const int64_t batch_size = config.data.batch_size;
  const NormGroup& norm_group = config.model.norm_group;
  BatchTerms terms;
  terms.effective_batch =
      config.train.effective_batch_size.value_or(batch_size * config.train.accumulate_grad_batches);
  terms.micro_batch = std::min(batch_size, terms.effective_batch);
  terms.norm_frozen = norm_group.kind == NormGroup::Kind::kFrozen;
  if (!has_batch_norm || terms.norm_frozen) return terms;
  if (norm_group.kind == NormGroup::Kind::kMicroBatch) {
    terms.norm_group = terms.min_micro_batch = terms.micro_batch;
    return terms;
  }
  const bool global = norm_group.kind == NormGroup::Kind::kGlobal;
  const int64_t group = global ? terms.effective_batch : norm_group.size;
  if (global && terms.micro_batch < terms.effective_batch) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.norm_group: global takes statistics over the whole effective batch of ",
                     group, " samples, which must then run as one; data.batch_size is ", batch_size,
                     ": set it to ", group, ", or name a model.norm_group that divides it"));
  }
  if (terms.micro_batch < terms.effective_batch && terms.micro_batch % group != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data.batch_size is ", batch_size, ", not a multiple of model.norm_group = ", group,
        ", so normalisation groups would be cut; allowed are multiples of ", group,
        ", or an effective batch of at most data.batch_size"));
  }
  terms.norm_group = group;
  terms.min_micro_batch = std::min(group, terms.micro_batch);
  return terms;
}

int64_t SmallestNormGroup(const BatchTerms& terms, int64_t epoch_samples, int64_t position,
                          int64_t steps) {
  if (terms.norm_group == 0 || steps <= 0) return 0;
  const auto smallest_in = [&terms](int64_t samples) {
    const int64_t rest = samples % terms.norm_group;
    return rest > 0 ? rest : std::min(samples, terms.norm_group);
  };
  // In the first `most` steps of an epoch that has `samples` samples left.
  const auto smallest_of_epoch = [&](int64_t samples, int64_t most) {
    const int64_t whole = std::min(samples / terms.effective_batch, most);
    const int64_t rest = samples % terms.effective_batch;
    int64_t smallest = terms.norm_group;
    if (whole > 0) smallest = smallest_in(terms.effective_batch);
    if (rest > 0 && most > whole) smallest = std::min(smallest, smallest_in(rest));
    return smallest;
  };
  const int64_t left = epoch_samples - position;
  const int64_t after = steps - NumSplits(left, terms.effective_batch);
  const int64_t first = smallest_of_epoch(left, steps);
  return after > 0 ? std::min(first, smallest_of_epoch(epoch_samples, after)) : first;
}

int64_t FitMicroBatch(int64_t micro_batch, const BatchTerms& terms) {
  if (micro_batch >= terms.effective_batch) return terms.effective_batch;
  const int64_t group = std::max<int64_t>(1, terms.min_micro_batch);
  return std::max(group, micro_batch / group * group);
}

}  // namespace slimreel
