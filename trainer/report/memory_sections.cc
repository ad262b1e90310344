#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "trainer/report/chart.h"
#include "trainer/report/html.h"
#include "trainer/report/sections.h"
#include "trainer/report/thin_out.h"

namespace slimreel {
namespace {

constexpr double kUsPerMs = 1e3;

std::optional<int64_t> Budget(const RunFiles& run) {
  const auto of_plan = FindBytes(run.plan, "budget_bytes");
  return of_plan ? of_plan : FindBytes(run.summary, "budget_bytes");
}

void AddBudgetRule(const RunFiles& run, Chart& chart) {
  if (const auto budget = Budget(run)) {
    chart.rules.push_back({"budget", "c-budget", static_cast<double>(*budget)});
  }
}

// Neighbours of one kind that are too narrow to see become one box, so that a step of thousands of
// operations stays small.
std::vector<Span> OperationSpans(const StepTrace& trace) {
  const double narrow = trace.end_us / static_cast<double>(kMaxPoints);
  std::vector<Span> spans;
  for (const TracedOperation& operation : trace.operations) {
    const std::string color = absl::StrCat("k-", KindOf(operation));
    std::string title =
        absl::StrCat(OperationName(operation), ", micro-batch ", operation.micro_batch + 1, ": ",
                     ShortTime((operation.end_us - operation.begin_us) / kUsPerMs), ", highest ",
                     FormatBytes(operation.peak_bytes), operation.failed ? ", out of memory" : "");
    if (!spans.empty() && spans.back().color == color &&
        operation.end_us - spans.back().begin < narrow) {
      spans.back().end = operation.end_us;
      spans.back().title = absl::StrCat(KindOf(operation), " operations");
      continue;
    }
    spans.push_back({operation.begin_us, operation.end_us, color, std::move(title)});
  }
  for (Span& span : spans) {
    span.begin /= kUsPerMs;
    span.end /= kUsPerMs;
  }
  return spans;
}

Chart StepChart(const RunFiles& run) {
  const StepTrace& trace = *run.trace;
  Chart chart{.id = "step-memory",
              .title = absl::StrCat("Live bytes by tag during step ", trace.step),
              .x_label = "",
              .x_unit = Unit::kMilliseconds,
              .y_unit = Unit::kBytes};
  std::vector<double> totals;
  for (size_t n = 0; n < trace.point_us.size(); ++n) {
    totals.push_back(static_cast<double>(trace.PointTotal(n)));
  }
  const std::vector<size_t> kept = ThinOut(totals, kMaxPoints);
  for (size_t n : kept) chart.layer_x.push_back(trace.point_us[n] / kUsPerMs);
  chart.layer_end = trace.end_us / kUsPerMs;
  for (size_t tag = 0; tag < trace.tags.size(); ++tag) {
    Layer layer{trace.tags[tag], TagColor(trace.tags[tag]), {}};
    for (size_t n : kept) {
      layer.y.push_back(static_cast<double>(trace.point_bytes[n * trace.tags.size() + tag]));
    }
    if (*std::max_element(layer.y.begin(), layer.y.end()) > 0) {
      chart.layers.push_back(std::move(layer));
    }
  }
  chart.spans = OperationSpans(trace);
  AddBudgetRule(run, chart);
  return chart;
}

std::string KindLegend(const StepTrace& trace) {
  std::string legend = "<div class=\"legend\">The band shows the operations: ";
  for (const char* kind : {"prefix", "forward", "recompute", "backward", "update"}) {
    const bool used = std::any_of(trace.operations.begin(), trace.operations.end(),
                                  [kind](const auto& op) { return KindOf(op) == kind; });
    if (!used) continue;
    absl::StrAppend(&legend, "<span class=\"key\"><i class=\"fill k-", kind, "\"></i>", kind,
                    "</span> ");
  }
  return legend + "</div>\n";
}

// What lived at the highest point, by tag.
std::string PeakTable(const StepTrace& trace) {
  size_t highest = 0;
  for (size_t n = 1; n < trace.point_us.size(); ++n) {
    if (trace.PointTotal(n) > trace.PointTotal(highest)) highest = n;
  }
  const int64_t peak = trace.PointTotal(highest);
  std::vector<std::vector<std::string>> rows;
  for (size_t tag = 0; tag < trace.tags.size(); ++tag) {
    const int64_t bytes = trace.point_bytes[highest * trace.tags.size() + tag];
    if (bytes == 0) continue;
    rows.push_back({EscapeHtml(trace.tags[tag]), BytesElement(bytes),
                    absl::StrFormat("%.1f %%", 100.0 * bytes / std::max<int64_t>(1, peak))});
  }
  rows.push_back({"<b>together</b>", BytesElement(peak, "step.peak_bytes"), ""});
  return absl::StrCat("<h3>At the step&#39;s highest point (",
                      EscapeHtml(ShortTime(trace.point_us[highest] / kUsPerMs)), ")</h3>\n",
                      Table({"tag", "live bytes", "share"}, rows, 1));
}

Chart RunChart(const RunFiles& run, const std::vector<size_t>& kept) {
  Chart chart{.id = "run-memory",
              .title = "Memory over the run",
              .x_label = "step",
              .y_unit = Unit::kBytes};
  std::map<std::string, std::map<size_t, double>> by_tag;
  for (size_t k = 0; k < kept.size(); ++k) {
    for (const auto& [tag, bytes] : run.memory[kept[k]].live_by_tag) by_tag[tag][k] = bytes;
  }
  std::vector<double> x;
  for (size_t n : kept) x.push_back(run.memory[n].step);
  if (!by_tag.empty()) {
    chart.layer_x = x;
    chart.layer_end = x.back();
  }
  for (const auto& [tag, values] : by_tag) {
    Layer layer{absl::StrCat(tag, " (after a step)"), TagColor(tag),
                std::vector<double>(kept.size(), 0.0)};
    for (const auto& [k, bytes] : values) layer.y[k] = bytes;
    chart.layers.push_back(std::move(layer));
  }
  const auto add = [&](const char* label, const char* color, double MemoryLine::*field) {
    Line line{label, color, x, {}};
    for (size_t n : kept) line.y.push_back(run.memory[n].*field);
    chart.lines.push_back(std::move(line));
  };
  add("highest so far", "c-peak", &MemoryLine::peak);
  if (by_tag.empty()) add("live after a step", "c-live", &MemoryLine::live);
  add("highest with blocks kept for reuse", "c-reserved", &MemoryLine::reserved);
  AddBudgetRule(run, chart);
  return chart;
}

struct Measure {
  std::string label;
  std::string color;
  double value = 0.0;
  std::string shown;
};

std::string Bars(const std::vector<Measure>& measures) {
  std::vector<Bar> bars;
  for (const Measure& measure : measures) {
    bars.push_back({measure.label, {{measure.color, measure.value}}, measure.shown});
  }
  return DrawBars(bars, {});
}

void AddBytes(const std::string& label, const std::string& color, std::optional<int64_t> bytes,
              const std::string& key, std::vector<Measure>& measures) {
  if (bytes) {
    measures.push_back({label, color, static_cast<double>(*bytes), BytesElement(*bytes, key)});
  }
}

// The peak of each phase, split by tag.
std::string PhaseBars(const Json& phases) {
  std::vector<Bar> bars;
  std::vector<std::pair<std::string, std::string>> legend;
  for (const auto& [phase, peak] : phases.items()) {
    const auto bytes = FindBytes(peak, "peak_bytes");
    if (!bytes) continue;
    Bar bar{phase, {}, BytesElement(*bytes, absl::StrCat("phases.", phase, ".peak_bytes"))};
    const Json* tags = FindField(peak, "by_tag");
    if (tags == nullptr || !tags->is_object() || tags->empty()) {
      bar.parts = {{"c-peak", static_cast<double>(*bytes)}};
    } else {
      for (const auto& [tag, of_tag] : tags->items()) {
        if (!of_tag.is_number() || of_tag.get<double>() <= 0) continue;
        bar.parts.emplace_back(TagColor(tag), of_tag.get<double>());
        const std::pair<std::string, std::string> entry(TagColor(tag), tag);
        if (std::find(legend.begin(), legend.end(), entry) == legend.end()) legend.push_back(entry);
      }
    }
    bars.push_back(std::move(bar));
  }
  return bars.empty() ? "" : "<h3>Peak of each phase</h3>\n" + DrawBars(bars, legend);
}

std::string Difference(std::optional<int64_t> predicted, std::optional<int64_t> measured) {
  if (!predicted || !measured) return "";
  const double percent = 100.0 * (static_cast<double>(*predicted) / *measured - 1.0);
  if (*predicted == *measured) return Note("Prediction and measurement are equal to the byte.");
  return Note(absl::StrFormat("The prediction is %.2f %% %s the measurement.", std::abs(percent),
                              percent > 0 ? "above" : "below"));
}

}  // namespace

std::string TagColor(const std::string& tag) {
  for (const char* known :
       {"parameters", "gradients", "optimizer", "activations", "input", "other"}) {
    if (tag == known) return absl::StrCat("t-", tag);
  }
  return "t-unknown";
}

std::string KindOf(const TracedOperation& operation) {
  if (operation.op == "B") return "backward";
  if (operation.op == "update" || operation.op == "prefix") return operation.op;
  return operation.recompute ? "recompute" : "forward";
}

std::string StepMemorySection(const RunFiles& run) {
  std::string body;
  if (!run.trace || run.trace->point_us.empty()) {
    body = Note("No step of this run was recorded, so there is no curve of a step.");
    return Section("step", "Memory over one step", body);
  }
  const StepTrace& trace = *run.trace;
  body = DrawChart(StepChart(run)) + KindLegend(trace) + PeakTable(trace);
  if (trace.point_us.size() > kMaxPoints) {
    body += Note(absl::StrCat(
        "The picture shows the lowest and the highest of each short time: ", kMaxPoints, " of ",
        trace.point_us.size(), " points. Its highest point is the step's."));
  }
  if (trace.left_out_operations > 0) {
    body += Note(absl::StrCat("The step has ", trace.left_out_operations,
                              " more operations than the band shows."));
  }
  body += Note(absl::StrCat("Open ", kStepTraceFile,
                            " of the run folder in Perfetto or chrome://tracing to see each "
                            "operation. --profile_step N records each allocation of step N."));
  return Section("step", "Memory over one step", body);
}

std::string RunMemorySection(const RunFiles& run) {
  if (run.memory.empty()) {
    return Section("run", "Memory over the run",
                   Note("The run has no readings of memory (memory.enable_monitoring is off, or no "
                        "step was logged), so there is no curve of the run."));
  }
  std::vector<double> live;
  for (const MemoryLine& line : run.memory) live.push_back(line.live);
  const std::vector<size_t> kept = ThinOut(live, kMaxPoints);
  std::string body = DrawChart(RunChart(run, kept));
  if (kept.size() < run.memory.size()) {
    body += Note(absl::StrCat("The picture shows ", kept.size(), " of ", run.memory.size(),
                              " readings: the lowest and the highest of each part of the run."));
  }
  return Section("run", "Memory over the run", body);
}

std::string PredictionSection(const RunFiles& run) {
  const auto of_plan = FindBytes(run.plan, "predicted_peak_bytes");
  const auto predicted = of_plan ? of_plan : FindBytes(run.summary, "predicted_peak_bytes");
  const auto measured = FindBytes(run.summary, "peak_bytes.device");
  const auto host_predicted = FindBytes(run.plan, "predicted_host_peak_bytes");
  const auto host_measured = FindBytes(run.summary, "peak_bytes.host");
  std::vector<Measure> device;
  AddBytes("predicted peak", "c-predicted", predicted, "", device);
  AddBytes("measured peak", "c-peak", measured, "peak_bytes.device", device);
  AddBytes("measured peak of the recorded step", "c-live",
           run.trace ? std::optional(run.trace->PeakBytes()) : std::nullopt, "", device);
  AddBytes("budget", "c-budget", Budget(run), "budget_bytes", device);
  std::string body = absl::StrCat("<h3>Tensors on the device</h3>\n", Bars(device));
  if (!predicted) body += Note("This run has no predicted peak.");
  body += Difference(predicted, measured);
  const Json* phases = FindField(run.summary, "phases");
  if (phases != nullptr && phases->is_object()) body += PhaseBars(*phases);
  std::vector<Measure> host;
  AddBytes("predicted peak", "c-predicted", host_predicted, "", host);
  AddBytes("measured peak", "c-peak", host_measured, "peak_bytes.host", host);
  if (!host.empty()) absl::StrAppend(&body, "<h3>The whole process</h3>\n", Bars(host));
  const auto step_ms = FindNumber(run.summary, "step_ms");
  const auto predicted_ms = FindNumber(run.plan, "predicted_step_ms");
  if (step_ms && predicted_ms) {
    absl::StrAppend(
        &body, "<h3>Time of a step</h3>\n",
        Bars({{"predicted", "c-predicted", *predicted_ms, EscapeHtml(ShortTime(*predicted_ms))},
              {"measured (median)", "c-peak", *step_ms, EscapeHtml(ShortTime(*step_ms))}}));
  }
  return Section("prediction", "Predicted and measured", body);
}

}  // namespace slimreel
