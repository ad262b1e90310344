#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "trainer/report/chart.h"
#include "trainer/report/html.h"
#include "trainer/report/sections.h"
#include "trainer/report/thin_out.h"

namespace slimreel {
namespace {

Line CurveOf(const RunFiles& run, const std::string& label, const std::string& color,
             double StepLine::*field) {
  std::vector<double> values;
  for (const StepLine& line : run.steps) values.push_back(line.*field);
  Line curve{label, color, {}, {}};
  for (size_t n : ThinOut(values, kMaxPoints)) {
    curve.x.push_back(run.steps[n].step);
    curve.y.push_back(values[n]);
  }
  return curve;
}

bool HasValue(const Line& line) {
  return std::any_of(line.y.begin(), line.y.end(), [](double y) { return std::isfinite(y); });
}

std::string CurveChart(const std::string& id, const std::string& title, bool from_zero, Unit unit,
                       std::vector<Line> lines) {
  std::erase_if(lines, [](const Line& line) { return !HasValue(line); });
  if (lines.empty()) return "";
  return DrawChart({.id = id,
                    .title = title,
                    .x_label = "step",
                    .y_unit = unit,
                    .from_zero = from_zero,
                    .lines = std::move(lines)});
}

// One curve per metric of the evaluations.
std::map<std::string, Line> MetricCurves(const RunFiles& run) {
  std::map<std::string, Line> curves;
  for (const EvaluationLine& evaluation : run.evaluations) {
    for (const auto& [key, value] : evaluation.values) {
      curves[key].x.push_back(evaluation.step);
      curves[key].y.push_back(value);
    }
  }
  for (auto& [key, curve] : curves) {
    const std::vector<size_t> kept = ThinOut(curve.y, kMaxPoints);
    Line thin{key, "", {}, {}};
    for (size_t n : kept) {
      thin.x.push_back(curve.x[n]);
      thin.y.push_back(curve.y[n]);
    }
    curve = std::move(thin);
  }
  return curves;
}

// Shares between 0 and 1, drawn in one chart.
std::vector<Line> ShareCurves(const std::map<std::string, Line>& curves) {
  constexpr const char* kColors[] = {"c1", "c2", "c3", "c4", "c5", "c6"};
  std::vector<Line> lines;
  for (const auto& [key, curve] : curves) {
    const bool counted = key == "val_videos" || key == "val_clips" || key == "val_seconds";
    // Those of single clips stand in the table below.
    if (counted || absl::StrContains(key, "loss") || absl::StartsWith(key, "val_clip_") ||
        lines.size() == std::size(kColors))
      continue;
    lines.push_back(curve);
    lines.back().color = kColors[lines.size() - 1];
  }
  return lines;
}

std::string MetricsTable(const RunFiles& run) {
  const Json* metrics = FindField(run.summary, "metrics");
  if (metrics == nullptr || !metrics->is_object() || metrics->empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : metrics->items()) {
    if (!value.is_number() || rows.size() == kMaxRows) continue;
    rows.push_back({EscapeHtml(key), DataElement(value.dump(), ShortNumber(value.get<double>()),
                                                 absl::StrCat("metrics.", key))});
  }
  return absl::StrCat("<h3>The last evaluation</h3>\n", Table({"metric", "value"}, rows, 1));
}

struct Event {
  double step = 0.0;
  std::string kind;
  std::string text;  // HTML
};

void AddStepEvents(const RunFiles& run, std::vector<Event>& events) {
  double micro_batch = std::nan("");
  for (const StepLine& line : run.steps) {
    if (line.oom_retries > 0) {
      events.push_back({line.step, "out of memory",
                        absl::StrCat("retried ", ShortNumber(line.oom_retries),
                                     line.oom_retries == 1 ? " time" : " times",
                                     "; then micro-batch ", ShortNumber(line.micro_batch))});
    } else if (!std::isnan(micro_batch) && !std::isnan(line.micro_batch) &&
               line.micro_batch != micro_batch) {
      events.push_back({line.step, "plan",
                        absl::StrCat("micro-batch ", ShortNumber(micro_batch), " becomes ",
                                     ShortNumber(line.micro_batch))});
    }
    if (line.found_inf) {
      events.push_back({line.step, "overflow", "the step was left out; the loss scale is halved"});
    } else if (!std::isfinite(line.loss)) {
      events.push_back({line.step, "loss", "the loss is not finite"});
    }
    micro_batch = line.micro_batch;
  }
}

void AddEvaluationEvents(const RunFiles& run, std::vector<Event>& events) {
  for (const EvaluationLine& evaluation : run.evaluations) {
    std::string text;
    for (const auto& [key, value] : evaluation.values) {
      if (absl::StartsWith(key, "val_clip_") || key == "val_videos" || key == "val_clips") continue;
      const bool seconds = key == "val_seconds";
      absl::StrAppend(&text, text.empty() ? "" : ", ", EscapeHtml(key.substr(4)), " ",
                      seconds ? EscapeHtml(ShortTime(1e3 * value)) : ShortNumber(value));
    }
    events.push_back({evaluation.step, "evaluation", std::move(text)});
  }
}

// "step 12: data.batch_size 4 -> 2"
void AddChanges(const RunFiles& run, std::vector<Event>& events) {
  const Json* changes = FindField(run.summary, "changes");
  if (changes == nullptr || !changes->is_array()) return;
  for (const Json& change : *changes) {
    if (!change.is_string()) continue;
    const auto text = change.get<std::string>();
    double step = 0.0;
    if (absl::StartsWith(text, "step ")) step = std::atof(text.c_str() + 5);
    events.push_back({step, "resumed with a change", EscapeHtml(text)});
  }
}

void AddCheckpoints(const RunFiles& run, std::vector<Event>& events) {
  for (const std::string& name : run.checkpoints) {
    const size_t digits = name.find_last_of('_');
    events.push_back({std::atof(name.c_str() + digits + 1), "checkpoint",
                      absl::StrCat("checkpoints/", EscapeHtml(name), " is kept")});
  }
}

void Flatten(const std::string& path, const Json& value,
             std::vector<std::vector<std::string>>& rows) {
  if (rows.size() >= 4 * kMaxRows) return;
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      Flatten(path.empty() ? key : absl::StrCat(path, ".", key), inner, rows);
    }
    return;
  }
  if (value.is_array()) return;  // changes: the events show them
  std::string shown = value.is_string() ? EscapeHtml(value.get<std::string>())
                      : value.is_null() ? "none"
                                        : EscapeHtml(value.dump());
  if (value.is_number()) {
    const bool bytes = absl::StrContains(path, "bytes");
    shown = DataElement(
        value.dump(),
        bytes ? FormatBytes(std::llround(value.get<double>())) : ShortNumber(value.get<double>()),
        path);
    if (bytes) absl::StrAppend(&shown, " <small>", value.dump(), "</small>");
  }
  rows.push_back({EscapeHtml(path), std::move(shown)});
}

}  // namespace

std::string TrainingSection(const RunFiles& run) {
  if (run.steps.empty() && run.evaluations.empty()) {
    return Section("training", "Training",
                   Note("metrics.jsonl holds no step, so there are no curves."));
  }
  std::map<std::string, Line> metrics = MetricCurves(run);
  std::vector<Line> losses = {CurveOf(run, "training", "c1", &StepLine::loss)};
  if (const auto found = metrics.find("val_loss"); found != metrics.end()) {
    losses.push_back(found->second);
    losses.back().label = "evaluation";
    losses.back().color = "c2";
  }
  std::string body = "<div class=\"curves\">\n";
  body += CurveChart("loss", "Loss", false, Unit::kNumber, std::move(losses));
  std::vector<Line> shares = ShareCurves(metrics);
  if (!shares.empty()) {
    body += CurveChart("metrics", "Metrics of the evaluations", true, Unit::kNumber, shares);
  }
  body += CurveChart(
      "throughput", "Samples per second", true, Unit::kNumber,
      {CurveOf(run, "each step, with waiting for data", "c4", &StepLine::samples_per_second)});
  body += CurveChart("step-time", "Time of a step", true, Unit::kMilliseconds,
                     {CurveOf(run, "each step, with waiting for data", "c4", &StepLine::step_ms)});
  body += CurveChart("lr", "Learning rate", true, Unit::kNumber,
                     {CurveOf(run, "learning rate", "c5", &StepLine::lr)});
  body += CurveChart("grad-norm", "Norm of the gradients before clipping", true, Unit::kNumber,
                     {CurveOf(run, "norm", "c6", &StepLine::grad_norm)});
  body += CurveChart("loss-scale", "Scale of the loss (fp16)", true, Unit::kNumber,
                     {CurveOf(run, "scale", "c3", &StepLine::loss_scale)});
  body += "</div>\n";
  if (shares.empty()) body += Note("The run has no evaluation, so there are no metrics.");
  if (run.steps.size() > kMaxPoints) {
    body += Note(absl::StrCat("The curves show ", kMaxPoints, " of ", run.steps.size(),
                              " steps: the lowest and the highest of each part of the run."));
  }
  return Section("training", "Training", body + MetricsTable(run));
}

std::string EventsSection(const RunFiles& run) {
  std::vector<Event> events;
  AddStepEvents(run, events);
  AddEvaluationEvents(run, events);
  AddChanges(run, events);
  AddCheckpoints(run, events);
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.step < b.step; });
  std::string body;
  if (events.size() > kMaxRows) {
    body += Note(absl::StrCat("The first and the last ", kMaxRows / 2, " of ", events.size(),
                              " events are shown."));
    events.erase(events.begin() + kMaxRows / 2, events.end() - kMaxRows / 2);
  }
  std::vector<std::vector<std::string>> rows;
  for (const Event& event : events) {
    rows.push_back({ShortNumber(event.step), event.kind, event.text});
  }
  if (rows.empty()) {
    body += Note("Nothing happened besides the steps.");
  } else {
    body += Table({"step", "event", ""}, rows, 3);
    body += Note("Of the checkpoints, only those are named that are in the run folder now.");
  }
  if (run.damaged_lines > 0) {
    body += Note(absl::StrCat(run.damaged_lines,
                              " lines of metrics.jsonl and memory.jsonl cannot be read and are "
                              "left out."));
  }
  return Section("events", "Events", body);
}

std::string NumbersSection(const RunFiles& run) {
  if (run.summary.is_null()) {
    return Section("numbers", "All numbers", Note("summary.json is missing or damaged."));
  }
  std::vector<std::vector<std::string>> rows;
  Flatten("", run.summary, rows);
  return Section("numbers", "All numbers",
                 absl::StrCat("<details><summary>summary.json</summary>\n",
                              Table({"key", "value"}, rows, 1), "</details>\n"));
}

}  // namespace slimreel
