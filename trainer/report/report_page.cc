#include "trainer/report/report_page.h"

#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/bytes.h"
#include "trainer/report/html.h"
#include "trainer/report/page_style.h"
#include "trainer/report/sections.h"

namespace slimreel {
namespace {

// Nothing may load anything, even if a name from a file were not escaped.
constexpr char kHead[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'; img-src data:\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n";

// The folder's own name, also of "runs/a/" and of ".".
std::string RunName(const std::string& run_dir) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(run_dir, error).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  return path.filename();
}

std::string State(const RunFiles& run) {
  const Json* finished = FindField(run.summary, "finished");
  if (finished == nullptr) return "<span class=\"state\">not ended</span>";
  if (*finished == true) return "<span class=\"state\">finished</span>";
  const std::string by = FindText(run.summary, "stopped_by").value_or("");
  if (by == "error") return "<span class=\"state bad\">ended by an error</span>";
  return "<span class=\"state\">stopped by a signal</span>";
}

std::string AboutModel(const RunFiles& run) {
  const std::string model = ConfigValue(run, "model.name");
  if (model.empty())
    return Note("config.yaml is missing or damaged, so the model has no name here.");
  std::string text = absl::StrCat("<p>Model <b>", EscapeHtml(model), "</b>");
  for (const auto& [label, key] :
       {std::pair("precision", "trainer.precision"), std::pair("optimizer", "train.optimizer"),
        std::pair("frames", "data.num_frames")}) {
    const std::string value = ConfigValue(run, key);
    if (!value.empty()) absl::StrAppend(&text, ", ", label, " ", EscapeHtml(value));
  }
  return text + ".</p>\n";
}

std::string AboutPlan(const RunFiles& run) {
  const auto field = [&run](const char* key) { return FindNumber(run.plan, key); };
  const auto micro = field("micro_batch_size") ? field("micro_batch_size") : field("micro_batch");
  std::string text;
  if (const auto effective = field("effective_batch_size"); effective && micro) {
    absl::StrAppend(&text, "Effective batch ", ShortNumber(*effective), " in micro-batches of ",
                    ShortNumber(*micro));
  }
  if (const auto schedule = FindText(run.plan, "schedule")) {
    absl::StrAppend(&text, text.empty() ? "Schedule " : ", schedule ", *schedule);
  }
  if (text.empty()) return "";
  const auto budget = FindBytes(run.plan, "budget_bytes");
  return absl::StrCat("<p>", EscapeHtml(text), ", ",
                      budget ? "budget " + BytesElement(*budget) : "no budget", ".</p>\n");
}

std::string Tile(const std::string& label, const std::string& value, const std::string& below) {
  return absl::StrCat("<div class=\"tile\"><span>", EscapeHtml(label), "</span>", value, "<small>",
                      below, "</small></div>\n");
}

// The number of summary.json at `key`.
std::string NumberTile(const RunFiles& run, const std::string& label, const std::string& key,
                       std::string (*show)(double), const std::string& below = "") {
  const Json* value = FindField(run.summary, key);
  if (value == nullptr || !value->is_number()) return "";
  return Tile(label, DataElement(value->dump(), show(value->get<double>()), key), below);
}

std::string ShowBytes(double bytes) { return FormatBytes(std::llround(bytes)); }

std::string PeakTile(const RunFiles& run) {
  const auto peak = FindBytes(run.summary, "peak_bytes.device");
  const auto budget = FindBytes(run.summary, "budget_bytes");
  const std::string below =
      peak && budget ? absl::StrFormat("%.1f %% of the budget, ", 100.0 * *peak / *budget) +
                           BytesElement(*budget, "budget_bytes")
                     : "no budget";
  return NumberTile(run, "Peak of tensors", "peak_bytes.device", ShowBytes, below);
}

std::string Tiles(const RunFiles& run) {
  if (run.summary.is_null()) {
    return Note("summary.json is missing or damaged, so the run's results are left out.");
  }
  std::string tiles = PeakTile(run);
  tiles += NumberTile(run, "With blocks kept for reuse", "peak_bytes.reserved", ShowBytes);
  tiles += NumberTile(run, "Peak of the process", "peak_bytes.host", ShowBytes);
  tiles += NumberTile(run, "Samples per second", "samples_per_second", ShortNumber, "median");
  tiles += NumberTile(run, "Time of a step", "step_ms", ShortTime, "median");
  tiles += NumberTile(run, "Steps", "steps", ShortNumber);
  tiles += NumberTile(run, "Epochs", "epochs", ShortNumber);
  tiles += NumberTile(run, "Retries for memory", "oom_retries", ShortNumber);
  return absl::StrCat("<div class=\"tiles\">\n", tiles, "</div>\n");
}

}  // namespace

std::string ReportPage(const RunFiles& run) {
  const std::string name = EscapeHtml(RunName(run.run_dir));
  return absl::StrCat(
      kHead, "<title>", name, " - SlimReel</title>\n<style>", kPageStyle, "</style>\n</head>\n",
      "<body>\n<header>\n<h1>", name, "</h1>\n<p>", State(run), " <span class=\"sub\">",
      EscapeHtml(run.run_dir), "</span></p>\n", AboutModel(run), AboutPlan(run), Tiles(run),
      "</header>\n<main>\n", StepMemorySection(run), RunMemorySection(run), PredictionSection(run),
      PlanSection(run), StagesSection(run), TrainingSection(run), EventsSection(run),
      NumbersSection(run),
      "</main>\n<footer>Written by SlimReel when the run ended. Bytes are those of live tensors "
      "unless the page says otherwise.</footer>\n</body>\n</html>\n");
}

absl::Status WriteReport(const std::string& run_dir) {
  return WriteFileAtomically(absl::StrCat(run_dir, "/", kReportFile),
                             ReportPage(ReadRunFiles(run_dir)));
}

}  // namespace slimreel
