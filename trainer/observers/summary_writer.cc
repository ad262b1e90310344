#include "trainer/observers/summary_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

using Json = nlohmann::ordered_json;

Json Metrics(const EvaluationRecord& evaluation) {
  return {{"top1", evaluation.videos.top1},
          {"top5", evaluation.videos.top5},
          {"mean_class_accuracy", evaluation.videos.mean_class_accuracy},
          {"loss", evaluation.videos.loss},
          {"clip_top1", evaluation.clips.top1},
          {"clip_top5", evaluation.clips.top5},
          {"clip_mean_class_accuracy", evaluation.clips.mean_class_accuracy},
          {"clip_loss", evaluation.clips.loss},
          {"videos", evaluation.videos.count},
          {"clips", evaluation.clips.count}};
}

class SummaryWriter : public Observer {
 public:
  explicit SummaryWriter(std::string path) : path_(std::move(path)) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& /*memory*/) override {
    steps_.push_back(step);
    return absl::OkStatus();
  }

  absl::Status OnEvaluation(const EvaluationRecord& evaluation) override {
    evaluation_ = evaluation;
    return absl::OkStatus();
  }

  absl::Status OnEnd(const RunRecord& run) override {
    return WriteFileAtomically(path_,
                               SummaryJson(run, evaluation_ ? &*evaluation_ : nullptr, steps_));
  }

 private:
  std::string path_;
  std::vector<StepRecord> steps_;
  std::optional<EvaluationRecord> evaluation_;
};

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

std::string SummaryJson(const RunRecord& run, const EvaluationRecord* evaluation,
                        const std::vector<StepRecord>& steps) {
  std::vector<double> step_ms;
  std::vector<double> samples_per_second;
  for (const StepRecord& step : steps) {
    step_ms.push_back(step.step_ms);
    if (step.step_ms > 0) samples_per_second.push_back(1e3 * step.samples / step.step_ms);
  }
  Json json = {
      {"metrics", evaluation ? Metrics(*evaluation) : Json::object()},
      {"effective_batch_size", run.effective_batch_size},
      {"micro_batch_size", run.micro_batch_size},
      {"accumulate_grad_batches", run.accumulate_grad_batches},
      {"schedule", run.schedule},
      {"budget_bytes", run.memory.budget_bytes > 0 ? Json(run.memory.budget_bytes) : Json()},
      {"predicted_peak_bytes", Json()},
      {"peak_bytes",
       {{"device", run.memory.peak_bytes},
        {"reserved", run.memory.reserved_bytes},
        {"host", run.memory.host_bytes}}},
      {"samples_per_second", Median(samples_per_second)},
      {"step_ms", Median(step_ms)},
      {"oom_retries", run.oom_retries},
      {"steps", run.steps},
      {"epochs", run.epochs},
      {"finished", run.stopped_by.empty()},
  };
  if (!run.stopped_by.empty()) json["stopped_by"] = run.stopped_by;
  return json.dump(2) + "\n";
}

std::unique_ptr<Observer> MakeSummaryWriter(const std::string& run_dir) {
  return std::make_unique<SummaryWriter>(absl::StrCat(run_dir, "/summary.json"));
}

}  // namespace slimreel
