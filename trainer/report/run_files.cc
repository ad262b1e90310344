#include "trainer/report/run_files.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/atomic_file.h"
#include "base/config/yaml_text.h"
#include "trainer/checkpoint/entries.h"

namespace slimreel {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Json ReadJson(const std::string& path) {
  const auto text = ReadFile(path);
  if (!text.ok()) return Json();
  Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json();
}

// Calls `use` with each line that is a JSON object with a step. Returns the number of other lines.
template <typename Use>
int64_t ForEachLine(const std::string& path, const Use& use) {
  int64_t damaged = 0;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && FindNumber(json, "step")) {
      use(json);
    } else {
      ++damaged;
    }
  }
  return damaged;
}

void Flatten(const std::string& path, const YAML::Node& node,
             std::vector<std::pair<std::string, std::string>>& values) {
  if (!node.IsMap()) {
    if (!node.IsNull()) values.emplace_back(path, node.IsScalar() ? node.Scalar() : Dump(node));
    return;
  }
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) continue;
    const std::string& key = entry.first.Scalar();
    Flatten(path.empty() ? key : absl::StrCat(path, ".", key), entry.second, values);
  }
}

// Read as text, not as a configuration: another version of the program may have other keys.
std::vector<std::pair<std::string, std::string>> ReadConfig(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> values;
  const auto text = ReadFile(path);
  if (!text.ok()) return values;
  if (const auto yaml = ParseYaml(*text, path); yaml.ok()) Flatten("", *yaml, values);
  return values;
}

double NumberOrNaN(const Json& json, const char* key) {
  return FindNumber(json, key).value_or(kNaN);
}

void AddMetricsLine(const Json& json, RunFiles& run) {
  if (json.contains("val_seconds")) {
    EvaluationLine line{.step = NumberOrNaN(json, "step"), .values = {}};
    for (const auto& [key, value] : json.items()) {
      if (absl::StartsWith(key, "val_") && value.is_number()) {
        line.values.emplace_back(key, value.get<double>());
      }
    }
    run.evaluations.push_back(std::move(line));
    return;
  }
  const Json* found_inf = FindField(json, "found_inf");
  run.steps.push_back({.step = NumberOrNaN(json, "step"),
                       .epoch = NumberOrNaN(json, "epoch"),
                       .loss = NumberOrNaN(json, "loss"),
                       .lr = NumberOrNaN(json, "lr"),
                       .grad_norm = NumberOrNaN(json, "grad_norm"),
                       .step_ms = NumberOrNaN(json, "step_ms"),
                       .samples_per_second = NumberOrNaN(json, "samples_per_second"),
                       .micro_batch = NumberOrNaN(json, "micro_batch"),
                       .oom_retries = FindNumber(json, "oom_retries").value_or(0.0),
                       .loss_scale = NumberOrNaN(json, "loss_scale"),
                       .found_inf = found_inf != nullptr && *found_inf == true});
}

void AddMemoryLine(const Json& json, RunFiles& run) {
  MemoryLine line{.step = NumberOrNaN(json, "step"),
                  .live = NumberOrNaN(json, "live_bytes"),
                  .peak = NumberOrNaN(json, "peak_bytes"),
                  .reserved = NumberOrNaN(json, "reserved_bytes"),
                  .host = NumberOrNaN(json, "host_bytes"),
                  .loader = NumberOrNaN(json, "loader_bytes"),
                  .live_by_tag = {}};
  if (const Json* live = FindField(json, "by_tag.live"); live != nullptr && live->is_object()) {
    for (const auto& [tag, bytes] : live->items()) {
      if (bytes.is_number()) line.live_by_tag.emplace_back(tag, bytes.get<double>());
    }
  }
  run.memory.push_back(std::move(line));
  run.last_memory = json;
}

}  // namespace

const Json* FindField(const Json& json, const std::string& path) {
  const Json* at = &json;
  for (const auto key : absl::StrSplit(path, '.')) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(std::string(key));
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::optional<double> FindNumber(const Json& json, const std::string& path) {
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_number()) return std::nullopt;
  return field->get<double>();
}

std::optional<int64_t> FindBytes(const Json& json, const std::string& path) {
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_number_integer()) return std::nullopt;
  const auto bytes = field->get<int64_t>();
  return bytes > 0 ? std::optional(bytes) : std::nullopt;
}

std::optional<std::string> FindText(const Json& json, const std::string& path) {
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_string()) return std::nullopt;
  return field->get<std::string>();
}

std::string ConfigValue(const RunFiles& run, const std::string& key) {
  for (const auto& [known, value] : run.config) {
    if (known == key) return value;
  }
  return "";
}

RunFiles ReadRunFiles(const std::string& run_dir) {
  RunFiles run;
  run.run_dir = run_dir;
  run.config = ReadConfig(absl::StrCat(run_dir, "/config.yaml"));
  run.plan = ReadJson(absl::StrCat(run_dir, "/plan.json"));
  run.summary = ReadJson(absl::StrCat(run_dir, "/summary.json"));
  run.damaged_lines += ForEachLine(absl::StrCat(run_dir, "/metrics.jsonl"),
                                   [&run](const Json& line) { AddMetricsLine(line, run); });
  run.damaged_lines += ForEachLine(absl::StrCat(run_dir, "/memory.jsonl"),
                                   [&run](const Json& line) { AddMemoryLine(line, run); });
  if (auto trace = ReadStepTrace(run_dir); trace.ok()) run.trace = *std::move(trace);
  const auto entries = ListCheckpoints(absl::StrCat(run_dir, "/checkpoints"));
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    run.checkpoints.push_back(std::filesystem::path(entry->path).filename());
  }
  return run;
}

}  // namespace slimreel
