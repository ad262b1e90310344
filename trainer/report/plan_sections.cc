#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "trainer/report/chart.h"
#include "trainer/report/html.h"
#include "trainer/report/sections.h"

namespace slimreel {
namespace {

// A number or text of JSON as people read it. The key's ending says the unit.
std::string Show(const std::string& key, const Json& value) {
  if (value.is_number()) {
    if (key.ends_with("bytes")) return FormatBytes(std::llround(value.get<double>()));
    if (key.ends_with("_ms")) return ShortTime(value.get<double>());
    return ShortNumber(value.get<double>());
  }
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_null() ? "none" : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string WithBlanks(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string BytesBars(const Json& bytes) {
  std::vector<Bar> bars;
  for (const auto& [tag, value] : bytes.items()) {
    if (!value.is_number() || value.get<double>() <= 0) continue;
    bars.push_back({tag,
                    {{TagColor(tag), value.get<double>()}},
                    BytesElement(std::llround(value.get<double>()))});
  }
  return bars.empty() ? "" : "<h3>Where the bytes go, as predicted</h3>\n" + DrawBars(bars, {});
}

// One row per alternative; the columns are the keys of all of them.
std::string AlternativesTable(const Json& alternatives) {
  std::vector<std::string> keys;
  for (const Json& one : alternatives) {
    if (!one.is_object()) continue;
    for (const auto& [key, value] : one.items()) {
      if (value.is_structured()) continue;
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  if (keys.empty()) return "";
  std::vector<std::string> head;
  for (const std::string& key : keys) head.push_back(EscapeHtml(WithBlanks(key)));
  std::vector<std::vector<std::string>> rows;
  for (const Json& one : alternatives) {
    if (!one.is_object() || rows.size() == kMaxRows) continue;
    std::vector<std::string> row;
    for (const std::string& key : keys) {
      row.push_back(one.contains(key) ? EscapeHtml(Show(key, one.at(key))) : "");
    }
    rows.push_back(std::move(row));
  }
  return absl::StrCat("<h3>Other plans</h3>\n", Table(head, rows, keys.size()));
}

struct StageOps {
  std::string stage;
  std::vector<std::string> ops;
};

StageOps& Of(const std::string& stage, std::vector<StageOps>& stages) {
  for (StageOps& known : stages) {
    if (known.stage == stage) return known;
  }
  stages.push_back({stage, {}});
  return stages.back();
}

// plan.json's operations, or those of the recorded step's first micro-batch.
std::vector<StageOps> OperationsByStage(const RunFiles& run) {
  std::vector<StageOps> stages;
  if (const Json* operations = FindField(run.plan, "operations");
      operations != nullptr && operations->is_array()) {
    for (const Json& operation : *operations) {
      const auto op = FindText(operation, "op");
      const auto stage = FindText(operation, "stage");
      if (op && stage) Of(*stage, stages).ops.push_back(*op);
    }
  }
  if (!stages.empty() || !run.trace) return stages;
  const int64_t attempt = run.trace->operations.empty() ? 0 : run.trace->operations.back().attempt;
  for (const TracedOperation& operation : run.trace->operations) {
    if (operation.stage.empty() || operation.micro_batch != 0 || operation.attempt != attempt) {
      continue;
    }
    Of(operation.stage, stages).ops.push_back(operation.op);
  }
  return stages;
}

struct StageCost {
  std::string stage;
  double forward = 0.0, recompute = 0.0, backward = 0.0;  // milliseconds, all micro-batches
  double kept = -1.0;  // bytes that its first forward pass leaves behind
};

std::vector<StageCost> CostsByStage(const StepTrace& trace) {
  std::vector<StageCost> costs;
  const int64_t attempt = trace.operations.empty() ? 0 : trace.operations.back().attempt;
  for (const TracedOperation& operation : trace.operations) {
    if (operation.stage.empty() || operation.failed || operation.attempt != attempt) continue;
    auto found = std::find_if(costs.begin(), costs.end(),
                              [&](const StageCost& cost) { return cost.stage == operation.stage; });
    if (found == costs.end()) found = costs.insert(found, {.stage = operation.stage});
    const double ms = (operation.end_us - operation.begin_us) / 1e3;
    const std::string kind = KindOf(operation);
    (kind == "backward"    ? found->backward
     : kind == "recompute" ? found->recompute
                           : found->forward) += ms;
    if (kind == "forward" && found->kept < 0) {
      found->kept = static_cast<double>(operation.end_bytes - operation.begin_bytes);
    }
  }
  return costs;
}

}  // namespace

std::string PlanSection(const RunFiles& run) {
  if (run.plan.is_null()) {
    return Section("plan", "The plan", Note("plan.json is missing or damaged."));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : run.plan.items()) {
    if (value.is_structured()) continue;
    rows.push_back({EscapeHtml(WithBlanks(key)), EscapeHtml(Show(key, value))});
  }
  if (const auto ceiling = FindBytes(run.plan, "ceiling.bytes")) {
    const auto origin = FindText(run.plan, "ceiling.origin");
    rows.push_back({"ceiling", absl::StrCat(BytesElement(*ceiling), origin ? " from " : "",
                                            EscapeHtml(origin.value_or("")))});
  }
  std::string body = Table({"key", "value"}, rows, 2);
  if (const Json* bytes = FindField(run.plan, "bytes"); bytes != nullptr && bytes->is_object()) {
    body += BytesBars(*bytes);
  }
  std::vector<std::vector<std::string>> stages;
  for (const StageOps& stage : OperationsByStage(run)) {
    stages.push_back({EscapeHtml(stage.stage), EscapeHtml(absl::StrJoin(stage.ops, ", "))});
  }
  if (!stages.empty()) {
    absl::StrAppend(&body, "<details><summary>What each of the ", stages.size(),
                    " stages does in a micro-batch</summary>\n",
                    Table({"stage", "operations, in order"}, stages, 2), "</details>\n");
  }
  const Json* alternatives = FindField(run.plan, "alternatives");
  if (alternatives != nullptr && alternatives->is_array()) body += AlternativesTable(*alternatives);
  return Section("plan", "The plan", body);
}

std::string StagesSection(const RunFiles& run) {
  const std::vector<StageCost> costs =
      run.trace ? CostsByStage(*run.trace) : std::vector<StageCost>();
  if (costs.empty()) {
    return Section("stages", "Stages",
                   Note("No step of this run was recorded, so the stages have no figures."));
  }
  std::vector<Bar> times;
  std::vector<Bar> bytes;
  for (const StageCost& cost : costs) {
    const double sum = cost.forward + cost.recompute + cost.backward;
    times.push_back({cost.stage,
                     {{"k-forward", cost.forward},
                      {"k-recompute", cost.recompute},
                      {"k-backward", cost.backward}},
                     EscapeHtml(ShortTime(sum))});
    const double kept = std::max(0.0, cost.kept);
    bytes.push_back({cost.stage, {{"t-activations", kept}}, BytesElement(std::llround(kept))});
  }
  return Section(
      "stages", "Stages",
      absl::StrCat("<h3>Time in step ", run.trace->step, ", all micro-batches</h3>\n",
                   DrawBars(times, {{"k-forward", "forward"},
                                    {"k-recompute", "recompute"},
                                    {"k-backward", "backward"}}),
                   "<h3>Bytes that the first forward pass leaves live</h3>\n", DrawBars(bytes, {}),
                   Note("These are saved tensors and the output, less what the pass gave back. A "
                        "pass that gives back more than it keeps counts as 0.")));
}

}  // namespace slimreel
