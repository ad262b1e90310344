#include "trainer/evaluation/evaluator.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "memory/executor/executor.h"
#include "memory/recovery/exceeded_limit.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/evaluation/scores.h"
#include "trainer/inputs/model_inputs.h"

namespace slimreel {
namespace {

// Appends the first `count` rows of `scores` [B, classes] float64, with label and video of each
// clip.
void Append(const Batch& batch, const at::Tensor& scores, int64_t count,
            std::vector<ScoredSample>& samples) {
  const double* row = scores.const_data_ptr<double>();
  const int64_t classes = scores.size(1);
  const int64_t* labels = batch.labels.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < count; ++b, row += classes) {
    samples.push_back({.logits = std::vector<double>(row, row + classes),
                       .label = labels[b],
                       .video = batch.videos[b]});
  }
}

}  // namespace

Evaluator::Evaluator(const Model& model, Loader* loader, int64_t max_clips, at::Device device,
                     std::optional<at::ScalarType> autocast)
    : model_(model),
      chain_(model.Chain()),
      loader_(loader),
      max_clips_(max_clips),
      fitting_batch_(loader->batch_size()),
      batch_limit_(fitting_batch_),
      device_(device),
      autocast_(autocast) {}

void Evaluator::LimitBatchSize(int64_t clips) {
  if (clips == batch_limit_) return;
  if (clips < std::min(fitting_batch_, batch_limit_)) {
    LOG(INFO) << "evaluation takes " << clips << (clips == 1 ? " clip" : " clips")
              << " at a time, like a training micro-batch, so that it stays below a step's memory "
              << "(data.eval_batch_size: a number of your own)";
  }
  batch_limit_ = clips;
}

absl::StatusOr<EvaluationResult> Evaluator::Run() {
  const PhaseScope phase(MemoryPhase::kEvaluate);
  LoaderPosition position;
  const int64_t batch_size = std::min(fitting_batch_, batch_limit_);
  if (loader_->batch_size() != batch_size) loader_->SetBatchSize(batch_size);
  loader_->Seek(position);
  std::vector<ScoredSample> scores;
  while (max_clips_ < 0 || std::ssize(scores) < max_clips_) {
    int64_t size = 0;
    bool fits = false;
    {
      const auto batch = loader_->Next();
      if (absl::IsOutOfRange(batch.status())) break;
      if (!batch.ok()) return batch.status();
      size = batch->labels.size(0);
      at::Tensor rows;
      fits = FitsInMemory(device_, [&] { rows = Scores(*batch); });
      if (fits && !rows.defined()) return StoppedError("stopped by a signal while evaluating");
      const int64_t left = max_clips_ < 0 ? size : max_clips_ - std::ssize(scores);
      if (fits) Append(*batch, rows, std::min(size, left), scores);
    }  // frees this batch's memory before a smaller batch is loaded
    if (fits) {
      position = loader_->position();
      continue;
    }
    SLIMREEL_RETURN_IF_ERROR(HalveBatchSize(size));
    loader_->Seek(position);
  }
  EvaluationResult result;
  result.video_scores = AverageByVideo(scores);
  result.metrics = NameMetrics(ComputeMetrics(result.video_scores), ComputeMetrics(scores));
  return result;
}

absl::Status Evaluator::HalveBatchSize(int64_t batch_size) {
  if (batch_size == 1) {
    const int64_t wanted = ReadDeviceMemory(device_).needed_bytes;
    const std::string bytes =
        wanted > 0 ? absl::StrCat(", which wants ", wanted, " bytes in all,") : std::string();
    const ExceededLimit limit = FindExceededLimit(device_);
    return NothingFitsError(absl::StrCat(
        "evaluating a single clip", bytes, " does not fit ", limit.name,
        ". The batch size was already lowered to 1 from data.eval_batch_size, so ", limit.remedy,
        ", or choose a smaller model, data.num_frames or data.img_size"));
  }
  const int64_t smaller = (batch_size + 1) / 2;
  LOG(INFO) << "evaluation runs out of memory; it goes on with " << smaller
            << (smaller == 1 ? " clip" : " clips")
            << " at a time (a smaller data.eval_batch_size avoids this retry)";
  fitting_batch_ = smaller;
  loader_->SetBatchSize(smaller);
  return absl::OkStatus();
}

// Returns [B, classes] float64. Undefined: a stop was requested.
at::Tensor Evaluator::Scores(const Batch& batch) const {
  StageContext context;
  context.autocast = autocast_;
  const CpuCharge charge(device_.is_cpu() ? batch.bytes() : 0);
  const TagScope scope(MemoryTag::kActivations);
  Tensors values;
  for (const at::Tensor& input : ModelInputs(model_, batch)) {
    values.push_back(input.to(device_, /*non_blocking=*/true));
  }
  for (Stage* const stage : chain_) {
    if (StopRequested()) return {};
    values = Executor::Forward({stage}, context, std::move(values));
  }
  return HeadScores(values);
}

}  // namespace slimreel
