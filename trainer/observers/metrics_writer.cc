#include "trainer/observers/metrics_writer.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/evaluation/metrics_json.h"
#include "trainer/observers/jsonl_file.h"

namespace slimreel {
namespace {

constexpr char kValidation[] = "val_";
constexpr char kSeconds[] = "val_seconds";

std::string PathOf(const std::string& run_dir) { return absl::StrCat(run_dir, "/metrics.jsonl"); }

class MetricsWriter : public Observer {
 public:
  explicit MetricsWriter(JsonlFile file) : file_(std::move(file)) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& /*memory*/) override {
    nlohmann::ordered_json json = {
        {"step", step.step},
        {"epoch", step.epoch},
        {"loss", step.loss},
        {"lr", step.lr},
        {"grad_norm", step.grad_norm},
        {"step_ms", step.step_ms},
        {"samples_per_second", step.step_ms > 0 ? 1e3 * step.samples / step.step_ms : 0.0},
        {"samples", step.samples},
        {"micro_batch", step.micro_batch},
        {"oom_retries", step.oom_retries},
    };
    if (step.loss_scale) {
      json["loss_scale"] = *step.loss_scale;
      json["found_inf"] = step.found_inf;
    }
    return file_.Append(json.dump());
  }

  absl::Status OnEvaluation(const EvaluationRecord& evaluation) override {
    nlohmann::ordered_json json = {{"step", evaluation.step}, {"epoch", evaluation.epoch}};
    json.update(MetricsToJson(evaluation.metrics, kValidation));
    json[kSeconds] = evaluation.seconds;
    return file_.Append(json.dump());
  }

  absl::Status Flush() override { return file_.Flush(); }
  absl::Status OnEnd(const RunRecord& /*run*/) override { return file_.Flush(); }

 private:
  JsonlFile file_;
};

// 0 if the key is absent or no number (the loss may be null).
template <typename Number>
Number NumberOf(const nlohmann::ordered_json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<Number>() : Number{};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Observer>> MakeMetricsWriter(const std::string& run_dir,
                                                            int64_t resumed_step) {
  auto file = JsonlFile::Open(PathOf(run_dir), resumed_step);
  if (!file.ok()) return file.status();
  return std::make_unique<MetricsWriter>(*std::move(file));
}

RunHistory ReadHistory(const std::string& run_dir) {
  RunHistory history;
  std::ifstream file(PathOf(run_dir), std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    auto json = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) continue;
    const auto step = NumberOf<int64_t>(json, "step");
    const auto epoch = NumberOf<int64_t>(json, "epoch");
    if (!json.contains(kSeconds)) {
      history.steps.push_back({.step = step,
                               .epoch = epoch,
                               .loss = NumberOf<double>(json, "loss"),
                               .grad_norm = NumberOf<double>(json, "grad_norm"),
                               .lr = NumberOf<double>(json, "lr"),
                               .samples = NumberOf<int64_t>(json, "samples"),
                               .step_ms = NumberOf<double>(json, "step_ms"),
                               .micro_batch = NumberOf<int64_t>(json, "micro_batch"),
                               .oom_retries = NumberOf<int64_t>(json, "oom_retries")});
      continue;
    }
    const auto seconds = NumberOf<double>(json, kSeconds);
    json.erase(kSeconds);
    history.evaluation = {.step = step,
                          .epoch = epoch,
                          .metrics = MetricsFromJson(json, kValidation),
                          .seconds = seconds};
  }
  return history;
}

}  // namespace slimreel
