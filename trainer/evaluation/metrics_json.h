// An evaluation as JSON: the one form that evaluate --json, metrics.jsonl and summary.json share.
//
// Threading: free functions without state.
#ifndef TRAINER_EVALUATION_METRICS_JSON_H_
#define TRAINER_EVALUATION_METRICS_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "trainer/evaluation/metrics.h"

namespace slimreel {

// {"<prefix>top1": 0.9, ..., "<prefix>clip_top1": ..., "<prefix>videos": 10, "<prefix>clips": 30}.
// NaN and infinity become null.
nlohmann::ordered_json MetricsToJson(const EvaluationMetrics& metrics,
                                     const std::string& prefix = "");

// Reads it back: every number or null whose name starts with `prefix`. null becomes NaN.
EvaluationMetrics MetricsFromJson(const nlohmann::ordered_json& json,
                                  const std::string& prefix = "");

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_METRICS_JSON_H_
