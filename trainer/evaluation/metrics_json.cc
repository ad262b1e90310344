#include "trainer/evaluation/metrics_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace slimreel {

using Json = nlohmann::ordered_json;

Json MetricsToJson(const EvaluationMetrics& metrics, const std::string& prefix) {
  Json json = Json::object();
  for (const auto& [name, value] : metrics.values) {
    json[prefix + name] = std::isfinite(value) ? Json(value) : Json();
  }
  json[prefix + "videos"] = metrics.videos;
  json[prefix + "clips"] = metrics.clips;
  return json;
}

EvaluationMetrics MetricsFromJson(const Json& json, const std::string& prefix) {
  EvaluationMetrics metrics;
  for (const auto& [key, value] : json.items()) {
    if (key.rfind(prefix, 0) != 0) continue;
    const std::string name = key.substr(prefix.size());
    if (name == "videos" && value.is_number_integer()) {
      metrics.videos = value;
    } else if (name == "clips" && value.is_number_integer()) {
      metrics.clips = value;
    } else if (value.is_number()) {
      metrics.values.emplace_back(name, value);
    } else if (value.is_null()) {
      metrics.values.emplace_back(name, std::numeric_limits<double>::quiet_NaN());
    }
  }
  return metrics;
}

}  // namespace slimreel
