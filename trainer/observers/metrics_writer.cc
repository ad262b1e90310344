#include "trainer/observers/metrics_writer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/observers/jsonl_file.h"

namespace slimreel {
namespace {

class MetricsWriter : public Observer {
 public:
  explicit MetricsWriter(JsonlFile file) : file_(std::move(file)) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& /*memory*/) override {
    const nlohmann::ordered_json json = {
        {"step", step.step},
        {"epoch", step.epoch},
        {"loss", step.loss},
        {"lr", step.lr},
        {"grad_norm", step.grad_norm},
        {"step_ms", step.step_ms},
        {"samples_per_second", step.step_ms > 0 ? 1e3 * step.samples / step.step_ms : 0.0},
        {"micro_batch", step.micro_batch},
        {"oom_retries", step.oom_retries},
    };
    return file_.Append(json.dump());
  }

  absl::Status OnEvaluation(const EvaluationRecord& evaluation) override {
    const nlohmann::ordered_json json = {
        {"step", evaluation.step},
        {"epoch", evaluation.epoch},
        {"val_top1", evaluation.videos.top1},
        {"val_top5", evaluation.videos.top5},
        {"val_mean_class_accuracy", evaluation.videos.mean_class_accuracy},
        {"val_loss", evaluation.videos.loss},
        {"val_clip_top1", evaluation.clips.top1},
        {"val_videos", evaluation.videos.count},
        {"val_clips", evaluation.clips.count},
        {"val_seconds", evaluation.seconds},
    };
    return file_.Append(json.dump());
  }

  absl::Status Flush() override { return file_.Flush(); }
  absl::Status OnEnd(const RunRecord& /*run*/) override { return file_.Flush(); }

 private:
  JsonlFile file_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Observer>> MakeMetricsWriter(const std::string& run_dir,
                                                            int64_t resumed_step) {
  auto file = JsonlFile::Open(absl::StrCat(run_dir, "/metrics.jsonl"), resumed_step);
  if (!file.ok()) return file.status();
  return std::make_unique<MetricsWriter>(*std::move(file));
}

}  // namespace slimreel
