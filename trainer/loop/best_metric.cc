#include "trainer/loop/best_metric.h"

#include <cmath>

#include "base/logging.h"

namespace slimreel {

bool IsMetricName(const std::string& name) {
  return name == "top1" || name == "top5" || name == "mean_class_accuracy" || name == "loss";
}

double MetricValue(const ClassificationMetrics& metrics, const std::string& name) {
  CHECK(IsMetricName(name)) << name;
  if (name == "top1") return metrics.top1;
  if (name == "top5") return metrics.top5;
  if (name == "loss") return metrics.loss;
  return metrics.mean_class_accuracy;
}

bool IsBetter(const std::string& name, double value, double best, bool has_best) {
  if (std::isnan(value)) return false;
  if (!has_best) return true;
  return name == "loss" ? value < best : value > best;
}

}  // namespace slimreel
