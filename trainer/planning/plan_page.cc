#include "trainer/planning/plan_page.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "memory/executor/schedule_text.h"
#include "memory/policy/split.h"

namespace slimreel {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(int64_t bytes) { return bytes > 0 ? Json(bytes) : Json(); }

Json TagsJson(const BytesByTag& bytes) {
  Json json = Json::object();
  for (MemoryTag tag : kMemoryTagsInOrder) json[std::string(MemoryTagName(tag))] = At(bytes, tag);
  return json;
}

Json OperationsJson(const Plan& plan) {
  Json operations = Json::array();
  for (const Op& op : plan.schedule) {
    const auto stage = static_cast<size_t>(op.stage);
    operations.push_back(
        {{"op", OpName(op.kind)},
         {"stage", stage < plan.stages.size() ? plan.stages[stage] : absl::StrCat(stage)}});
  }
  return operations;
}

std::string Ms(double ms) {
  if (ms >= 10000) return absl::StrFormat("%.1f s", ms / 1000);
  return absl::StrFormat(ms >= 100 ? "%.0f ms" : "%.1f ms", ms);
}

std::string Split(const PlanReport& report, const Plan& plan) {
  const int64_t parts = NumSplits(report.effective_batch, plan.micro_batch);
  return absl::StrCat(
      parts, parts == 1 ? " micro-batch of " : " micro-batches of ", plan.micro_batch,
      plan.micro_batch == 1 ? " sample" : " samples",
      parts > 1 && report.effective_batch % plan.micro_batch != 0
          ? absl::StrCat(" (the last has ", report.effective_batch % plan.micro_batch, ")")
          : "");
}

std::string MeansText(const Plan& plan) {
  std::vector<std::string> means;
  if (plan.release) means.push_back("gradients freed during backward");
  if (plan.page_optimizer) means.push_back("optimizer state in host memory");
  if (plan.offload_inputs) means.push_back("stage inputs in host memory");
  return absl::StrJoin(means, ", ");
}

std::string MeansLine(const Plan& plan) {
  const std::string means = MeansText(plan);
  return means.empty() ? "" : absl::StrCat("Also      ", means, "\n");
}

void AppendBytes(const StepPrediction& prediction, std::string* page) {
  absl::StrAppend(page, "\nWhere the bytes go at the peak\n");
  for (MemoryTag tag : kMemoryTagsInOrder) {
    const int64_t bytes = At(prediction.by_tag, tag);
    if (bytes == 0) continue;
    absl::StrAppendFormat(page, "  %-12s %12s  %5.1f %%\n", std::string(MemoryTagName(tag)),
                          FormatBytes(bytes),
                          100.0 * static_cast<double>(bytes) /
                              static_cast<double>(std::max<int64_t>(1, prediction.peak_bytes)));
  }
}

Json OutsideJson(const std::optional<OutsidePeaks>& peaks) {
  if (!peaks) return Json();
  Json json = Json::object();
  for (const OutsidePhase& phase : kOutsidePhases) {
    json[phase.name] = OrNull(*peaks.*phase.peak);
  }
  return json;
}

void AppendOutside(const PlanReport& report, std::string* page) {
  if (!report.outside) return;
  absl::StrAppend(page, "\nPredicted outside of the step\n");
  for (const OutsidePhase& phase : kOutsidePhases) {
    const int64_t bytes = *report.outside.*phase.peak;
    if (bytes == 0) continue;
    const bool evaluates = phase.peak == &OutsidePeaks::evaluate;
    absl::StrAppendFormat(
        page, "  %-16s %12s%s%s\n", phase.what, FormatBytes(bytes),
        evaluates ? absl::StrCat("  (", report.evaluated_clips,
                                 report.evaluated_clips == 1 ? " clip" : " clips", " at once)")
                  : "",
        report.planned && bytes > report.planned->prediction.peak_bytes ? "  more than a step"
                                                                        : "");
  }
}

void AppendAlternatives(const PlanReport& report, std::string* page) {
  const PlannedStep& planned = *report.planned;
  if (planned.alternatives.empty()) return;
  absl::StrAppend(page, "\nAlternatives\n");
  for (const PlanAlternative& other : planned.alternatives) {
    const double time = planned.prediction.step_ms > 0
                            ? other.prediction.step_ms / planned.prediction.step_ms - 1.0
                            : 0.0;
    absl::StrAppendFormat(
        page, "  %-32s %s, %s a step (%+.0f %%): %s, %s\n", other.what + ":",
        FormatBytes(other.prediction.peak_bytes), Ms(other.prediction.step_ms), 100.0 * time,
        Split(report, other.plan),
        absl::StrCat(DescribeSchedule(other.plan.schedule),
                     MeansText(other.plan).empty() ? "" : ", ", MeansText(other.plan)));
  }
}

}  // namespace

std::string PlanJson(const PlanReport& report) {
  const Plan& plan = report.plan;
  Json json = {
      {"effective_batch_size", report.effective_batch},
      {"micro_batch_size", plan.micro_batch},
      {"micro_batch", plan.micro_batch},
      {"accumulate_grad_batches", NumSplits(report.effective_batch, plan.micro_batch)},
      {"schedule", ScheduleText(plan)},
      {"release", plan.release},
      {"page_optimizer", plan.page_optimizer},
      {"offload_inputs", plan.offload_inputs},
      {"concessions", report.concessions},
      {"budget_bytes", OrNull(report.budget_bytes)},
      {"predicted_peak_bytes", Json()},
      {"predicted_host_peak_bytes", OrNull(report.predicted_host_peak_bytes)},
      {"outside_peaks", OutsideJson(report.outside)},
      {"predicted_step_ms", Json()},
      {"time_is_estimate", !report.device_profile.empty()},
      {"device_profile", report.device_profile.empty() ? Json() : Json(report.device_profile)},
      {"smallest_card", report.smallest_card.empty() ? Json() : Json(report.smallest_card)},
      {"smallest_budget_bytes", Json()},
      {"bytes", Json()},
      {"ceiling",
       {{"bytes", OrNull(report.ceiling_bytes)},
        {"origin", report.ceiling_origin.empty() ? Json() : Json(report.ceiling_origin)}}},
      {"alternatives", Json::array()},
      {"operations", OperationsJson(plan)},
  };
  if (report.planned) {
    const PlannedStep& planned = *report.planned;
    json["predicted_peak_bytes"] = planned.prediction.peak_bytes;
    json["predicted_step_ms"] = planned.prediction.step_ms;
    json["smallest_budget_bytes"] = OrNull(planned.smallest_budget_bytes);
    json["bytes"] = TagsJson(planned.prediction.by_tag);
    for (const PlanAlternative& other : planned.alternatives) {
      json["alternatives"].push_back({{"what", other.what},
                                      {"micro_batch", other.plan.micro_batch},
                                      {"schedule", ScheduleText(other.plan)},
                                      {"release", other.plan.release},
                                      {"page_optimizer", other.plan.page_optimizer},
                                      {"offload_inputs", other.plan.offload_inputs},
                                      {"predicted_peak_bytes", other.prediction.peak_bytes},
                                      {"predicted_step_ms", other.prediction.step_ms}});
    }
  }
  return json.dump(2) + "\n";
}

std::string PlanPage(const PlanReport& report) {
  std::string page = absl::StrCat("Model     ", report.model, " on ", report.device, "\n");
  absl::StrAppend(
      &page, "Ceiling   ",
      report.ceiling_bytes > 0
          ? absl::StrCat(FormatBytes(report.ceiling_bytes), " (", report.ceiling_origin, ")")
          : std::string("none"),
      report.budget_bytes > 0 ? "" : "; no budget is set, so nothing is enforced", "\n");
  absl::StrAppend(&page, "Batch     ", report.effective_batch,
                  " samples a step: ", Split(report, report.plan), "\n");
  absl::StrAppend(&page, "Schedule  ", DescribeSchedule(report.plan.schedule), "\n",
                  MeansLine(report.plan));
  for (const std::string& concession : report.concessions) {
    absl::StrAppend(&page, "Another result  ", concession, "\n");
  }
  if (!report.planned) {
    absl::StrAppend(&page, "Nothing is predicted for this plan.\n");
    return page;
  }
  const PlannedStep& planned = *report.planned;
  absl::StrAppend(&page, "\nPredicted\n  peak of tensors on the device  ",
                  FormatBytes(planned.prediction.peak_bytes), "\n");
  if (report.predicted_host_peak_bytes > 0) {
    absl::StrAppend(&page, "  peak of the process on the host  ",
                    FormatBytes(report.predicted_host_peak_bytes), "\n");
  }
  absl::StrAppend(&page, "  time of a step  ", Ms(planned.prediction.step_ms),
                  report.device_profile.empty()
                      ? ""
                      : " (an estimate from peak rates; nothing ran on such a card)",
                  "\n");
  if (!report.smallest_card.empty()) {
    absl::StrAppend(&page, "  smallest card for this plan  ", report.smallest_card, "\n");
  }
  if (planned.smallest_budget_bytes > 0) {
    absl::StrAppend(&page, "  smallest budget for this model and batch  ",
                    FormatBytes(planned.smallest_budget_bytes), "\n");
  }
  AppendOutside(report, &page);
  AppendBytes(planned.prediction, &page);
  AppendAlternatives(report, &page);
  absl::StrAppend(&page, "\nMeasuring the model's stages took ", Ms(planned.measuring_ms), ".\n");
  return page;
}

}  // namespace slimreel
