// Reads what a run left in its folder, as far as it is there. A missing or damaged file is no
// error: the report says what it lacks.
//
// Threading: one thread. Plain data.
#ifndef TRAINER_REPORT_RUN_FILES_H_
#define TRAINER_REPORT_RUN_FILES_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/report/step_trace.h"

namespace slimreel {

using Json = nlohmann::ordered_json;

// Fields of JSON that anyone may have edited. `path`: keys with dots, "peak_bytes.device". Nothing
// if a key is absent or of another type.
const Json* FindField(const Json& json, const std::string& path);
std::optional<double> FindNumber(const Json& json, const std::string& path);
std::optional<int64_t> FindBytes(const Json& json, const std::string& path);  // > 0
std::optional<std::string> FindText(const Json& json, const std::string& path);

// A line of metrics.jsonl. A value that the file does not have is NaN.
struct StepLine {
  double step = 0.0, epoch = 0.0;
  double loss = 0.0, lr = 0.0, grad_norm = 0.0;
  double step_ms = 0.0, samples_per_second = 0.0;
  double micro_batch = 0.0, oom_retries = 0.0;
  double loss_scale = 0.0;
  bool found_inf = false;
};

struct EvaluationLine {
  double step = 0.0;
  std::vector<std::pair<std::string, double>> values;  // val_top1, ...
};

// A line of memory.jsonl.
struct MemoryLine {
  double step = 0.0;
  double live = 0.0, peak = 0.0, reserved = 0.0, host = 0.0, loader = 0.0;
  std::vector<std::pair<std::string, double>> live_by_tag;  // empty: not known
};

struct RunFiles {
  std::string run_dir;
  std::vector<std::pair<std::string, std::string>> config;  // {"model.name", "r3d_18"}, ...
  Json plan, summary;                                       // null: no such file, or it is damaged
  std::vector<StepLine> steps;
  std::vector<EvaluationLine> evaluations;
  std::vector<MemoryLine> memory;
  Json last_memory;  // the last line of memory.jsonl, whole; null: none
  std::optional<StepTrace> trace;
  std::vector<std::string> checkpoints;  // names, oldest first; those that are there now
  int64_t damaged_lines = 0;
};

// The value of `key` in the configuration; "" if it has none.
std::string ConfigValue(const RunFiles& run, const std::string& key);

RunFiles ReadRunFiles(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_REPORT_RUN_FILES_H_
