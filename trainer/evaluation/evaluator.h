// Runs a model over an evaluation loader and scores it.
//
// Threading: one thread. It checks for a stop signal between two stages of the model.
// Ownership: borrows the model and the loader.
#ifndef TRAINER_EVALUATION_EVALUATOR_H_
#define TRAINER_EVALUATION_EVALUATOR_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/loader.h"
#include "models/chain/model.h"
#include "trainer/evaluation/metrics.h"

namespace slimreel {

struct EvaluationResult {
  EvaluationMetrics metrics;
  std::vector<ScoredSample> video_scores;
};

class Evaluator {
 public:
  // `model` and `loader` must outlive the evaluator. The loader must be opened for evaluation.
  // `max_clips` < 0: all. `autocast`: kHalf or kBFloat16 for mixed precision.
  Evaluator(const Model& model, Loader* loader, int64_t max_clips, at::Device device,
            std::optional<at::ScalarType> autocast = std::nullopt);

  // Later runs evaluate at most `clips` (>= 1) at once. In training this is the micro-batch in
  // force: a forward pass of that many clips stays below the peak of a training step.
  void LimitBatchSize(int64_t clips);

  // Each run starts at the first sample. If a batch does not fit the budget, the loader's batch
  // size is halved from there on, so no more clips are held than are evaluated at once. Later runs
  // start with the size that fitted.
  // Normalisation uses running statistics, so the batch changes a clip's logits only by rounding.
  // Errors: NothingFits (one clip does not fit), Cancelled (a stop was requested), the loader's.
  absl::StatusOr<EvaluationResult> Run();

  int64_t loader_bytes() const { return loader_->buffer_bytes(); }

 private:
  absl::Status HalveBatchSize(int64_t batch_size);
  at::Tensor Scores(const Batch& batch) const;

  const Model& model_;
  std::vector<Stage*> chain_;
  Loader* loader_;
  int64_t max_clips_;
  int64_t fitting_batch_;  // the loader's batch size, or what fitted
  int64_t batch_limit_;    // of LimitBatchSize
  at::Device device_;
  std::optional<at::ScalarType> autocast_;
};

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_EVALUATOR_H_
