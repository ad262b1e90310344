#include "trainer/evaluation/evaluator.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/executor/executor.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/evaluation/scores.h"
#include "trainer/loop/fits_in_memory.h"
#include "trainer/loop/model_inputs.h"

namespace slimreel {
namespace {

// Rows of `scores` [B, classes] float64 with what is known of each clip.
void Append(const Batch& batch, const at::Tensor& scores, std::vector<ScoredSample>& samples) {
  const double* row = scores.const_data_ptr<double>();
  const int64_t classes = scores.size(1);
  const int64_t* labels = batch.labels.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < scores.size(0); ++b, row += classes) {
    samples.push_back({.logits = std::vector<double>(row, row + classes),
                       .label = labels[b],
                       .video = batch.videos[b]});
  }
}

}  // namespace

Evaluator::Evaluator(const Model& model, Loader* loader, int64_t max_batches, at::Device device,
                     std::optional<at::ScalarType> autocast)
    : model_(model),
      chain_(model.Chain()),
      loader_(loader),
      max_batches_(max_batches),
      device_(device),
      autocast_(autocast) {}

absl::StatusOr<EvaluationResult> Evaluator::Run() {
  loader_->Seek({});
  std::vector<ScoredSample> scores;
  for (int64_t done = 0; max_batches_ < 0 || done < max_batches_; ++done) {
    auto batch = loader_->Next();
    if (absl::IsOutOfRange(batch.status())) break;
    if (!batch.ok()) return batch.status();
    SLIMREEL_RETURN_IF_ERROR(ScoreBatch(*batch, scores));
  }
  EvaluationResult result;
  result.video_scores = AverageByVideo(scores);
  result.metrics = NameMetrics(ComputeMetrics(result.video_scores), ComputeMetrics(scores));
  return result;
}

absl::Status Evaluator::ScoreBatch(const Batch& batch, std::vector<ScoredSample>& scores) {
  if (micro_batch_ == 0) micro_batch_ = batch.labels.size(0);
  at::Tensor rows;
  while (!FitsInMemory([&] { rows = Scores(batch); })) {
    if (micro_batch_ == 1) {
      return NothingFitsError(absl::StrCat(
          "evaluating a single clip does not fit memory.budget = ", CpuBudget(),
          " bytes; raise it, or choose a smaller model, data.num_frames or data.img_size"));
    }
    micro_batch_ = (micro_batch_ + 1) / 2;
    LOG(INFO) << "evaluation runs out of memory; it goes on with " << micro_batch_
              << " clips at a time";
  }
  Append(batch, rows, scores);
  return absl::OkStatus();
}

// [B, classes] float64, `micro_batch_` clips at a time.
at::Tensor Evaluator::Scores(const Batch& batch) const {
  StageContext context;
  context.autocast = autocast_;
  const CpuCharge charge(device_.is_cpu() ? batch.bytes() : 0);
  const int64_t size = batch.labels.size(0);
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < size; first += micro_batch_) {
    const int64_t count = std::min(micro_batch_, size - first);
    Tensors inputs;
    for (const at::Tensor& input : ModelInputs(model_, batch)) {
      inputs.push_back(input.narrow(0, first, count).to(device_, /*non_blocking=*/true));
    }
    parts.push_back(HeadScores(Executor::Forward(chain_, context, std::move(inputs))));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

}  // namespace slimreel
