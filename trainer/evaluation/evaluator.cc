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
#include "trainer/loop/fits_in_memory.h"

namespace slimreel {
namespace {

// Rows of `logits` [B, classes] (any device and float type) with what is known of each clip.
void AppendScores(const Batch& batch, const at::Tensor& logits, std::vector<ScoredSample>& scores) {
  const at::Tensor rows = logits.to(at::kCPU, at::kDouble).contiguous();
  const double* row = rows.const_data_ptr<double>();
  const int64_t classes = rows.size(1);
  const int64_t* labels = batch.labels.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < rows.size(0); ++b, row += classes) {
    scores.push_back({.logits = std::vector<double>(row, row + classes),
                      .label = labels[b],
                      .video = batch.videos[b]});
  }
}

}  // namespace

Evaluator::Evaluator(const Model& model, Loader* loader, int64_t max_batches, at::Device device)
    : chain_(model.Chain()), loader_(loader), max_batches_(max_batches), device_(device) {}

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
  result.clips = ComputeMetrics(scores);
  result.video_scores = AverageByVideo(scores);
  result.videos = ComputeMetrics(result.video_scores);
  return result;
}

absl::Status Evaluator::ScoreBatch(const Batch& batch, std::vector<ScoredSample>& scores) {
  if (micro_batch_ == 0) micro_batch_ = batch.clips.size(0);
  at::Tensor logits;
  while (!FitsInMemory([&] { logits = Logits(batch); })) {
    if (micro_batch_ == 1) {
      return NothingFitsError(absl::StrCat(
          "evaluating a single clip does not fit memory.budget = ", CpuBudget(),
          " bytes; raise it, or choose a smaller model, data.num_frames or data.img_size"));
    }
    micro_batch_ = (micro_batch_ + 1) / 2;
    LOG(INFO) << "evaluation runs out of memory; it goes on with " << micro_batch_
              << " clips at a time";
  }
  AppendScores(batch, logits, scores);
  return absl::OkStatus();
}

// [B, classes], `micro_batch_` clips at a time.
at::Tensor Evaluator::Logits(const Batch& batch) const {
  const CpuCharge charge(device_.is_cpu() ? batch.bytes() : 0);
  const int64_t size = batch.clips.size(0);
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < size; first += micro_batch_) {
    const at::Tensor clips = batch.clips.narrow(0, first, std::min(micro_batch_, size - first));
    parts.push_back(
        Executor::Forward(chain_, StageContext(), {clips.to(device_, /*non_blocking=*/true)})[0]);
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

}  // namespace slimreel
