#include "trainer/observers/summary_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "trainer/evaluation/metrics_json.h"
#include "trainer/observers/memory_json.h"

namespace slimreel {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(int64_t bytes) { return bytes > 0 ? Json(bytes) : Json(); }

Json PoolToJson(const PoolStats& pool) {
  return {{"now_bytes", pool.now_bytes},
          {"peak_bytes", pool.peak_bytes},
          {"mean_bytes", pool.mean_bytes},
          {"reserved_bytes", pool.reserved_bytes},
          {"ceiling_bytes", OrNull(pool.ceiling_bytes)}};
}

Json ManagerToJson(const MemoryStats& stats) {
  Json json = {{"checks", stats.checks},           {"cleanups", stats.cleanups},
               {"freed_bytes", stats.freed_bytes}, {"warnings", stats.warnings},
               {"reliefs", stats.reliefs},         {"device", PoolToJson(stats.device)},
               {"host", PoolToJson(stats.host)},   {"by_cleanup", Json::object()}};
  for (const CleanupCount& count : stats.by_cleanup) {
    json["by_cleanup"][count.name] = {{"runs", count.runs}, {"freed_bytes", count.freed_bytes}};
  }
  return json;
}

Json OutsideToJson(const std::vector<OutsidePeakRecord>& peaks) {
  Json json = Json::object();
  for (const OutsidePeakRecord& peak : peaks) {
    json[peak.phase] = {{"predicted", OrNull(peak.predicted_bytes)},
                        {"measured", OrNull(peak.measured_bytes)}};
  }
  return json;
}

class SummaryWriter : public Observer {
 public:
  SummaryWriter(std::string path, RunHistory history)
      : path_(std::move(path)), history_(std::move(history)) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& /*memory*/) override {
    history_.steps.push_back(step);
    return absl::OkStatus();
  }

  absl::Status OnEvaluation(const EvaluationRecord& evaluation) override {
    history_.evaluation = evaluation;
    return absl::OkStatus();
  }

  absl::Status OnEnd(const RunRecord& run) override {
    return WriteFileAtomically(path_, SummaryJson(run, history_));
  }

 private:
  std::string path_;
  RunHistory history_;
};

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

std::string SummaryJson(const RunRecord& run, const RunHistory& history) {
  std::vector<double> step_ms;
  std::vector<double> samples_per_second;
  for (const StepRecord& step : history.steps) {
    step_ms.push_back(step.step_ms);
    if (step.step_ms > 0) samples_per_second.push_back(1e3 * step.samples / step.step_ms);
  }
  Json json = {
      {"metrics", history.evaluation ? MetricsToJson(history.evaluation->metrics) : Json::object()},
      {"effective_batch_size", run.effective_batch_size},
      {"micro_batch_size", run.micro_batch_size},
      {"accumulate_grad_batches", run.accumulate_grad_batches},
      {"schedule", run.schedule},
      {"budget_bytes", OrNull(run.memory.budget_bytes)},
      {"predicted_peak_bytes", OrNull(run.predicted_peak_bytes)},
      {"steps_above_prediction", run.steps_above_prediction},
      {"outside_peaks", OutsideToJson(run.outside)},
      {"peak_bytes",
       {{"device", run.memory.peak_bytes},
        {"reserved", run.memory.reserved_bytes},
        {"host", run.memory.host_bytes}}},
      {"peak_by_tag", TagsToJson(run.memory.peak_by_tag)},
      {"phases", PhasesToJson(run.memory.peak_by_phase)},
      {"loader",
       {{"num_workers", run.loader.num_workers},
        {"prefetch_batches", run.loader.prefetch_batches},
        {"pin_memory", run.loader.pin_memory},
        {"peak_bytes", run.memory.loader_bytes},
        {"host_budget_bytes", OrNull(run.loader.host_budget_bytes)}}},
      {"samples_per_second", Median(samples_per_second)},
      {"step_ms", Median(step_ms)},
      {"oom_retries", run.oom_retries},
      {"relaxations", run.relaxations},
      {"steps", run.steps},
      {"epochs", run.epochs},
      {"finished", run.stopped_by.empty()},
  };
  if (run.manager.checks > 0) json["memory_manager"] = ManagerToJson(run.manager);
  // Changes may hold paths, which are bytes. JSON is Unicode.
  for (const std::string& change : run.changes) json["changes"].push_back(TextOfBytes(change));
  if (!run.stopped_by.empty()) json["stopped_by"] = run.stopped_by;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::unique_ptr<Observer> MakeSummaryWriter(const std::string& run_dir, RunHistory history) {
  return std::make_unique<SummaryWriter>(absl::StrCat(run_dir, "/summary.json"),
                                         std::move(history));
}

}  // namespace slimreel
