// An evaluation as JSON: the one form that evaluate --json, metrics.jsonl and
// summary.json share.
#ifndef TRAINER_EVALUATION_METRICS_JSON_H_
#define TRAINER_EVALUATION_METRICS_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "trainer/evaluation/metrics.h"

namespace slimreel {

// {"<prefix>top1": 0.9, ..., "<prefix>clip_top1": ..., "<prefix>videos": 10, "<prefix>clips": 30}.
// A value that is no number becomes null.
nlohmann::ordered_json MetricsToJson(const EvaluationMetrics& metrics,
                                     const std::string& prefix = "");

// The way back: every number or null under a name that starts with `prefix`.
EvaluationMetrics MetricsFromJson(const nlohmann::ordered_json& json,
                                  const std::string& prefix = "");

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_METRICS_JSON_H_
