#include "trainer/loop/best_metric.h"

#include <cmath>

namespace slimreel {

bool IsBetter(const std::string& name, double value, double best, bool has_best) {
  if (!std::isfinite(value)) return false;
  if (!has_best) return true;
  return name == "loss" ? value < best : value > best;
}

}  // namespace slimreel
