// Decides which evaluation is the best so far (evaluation.metric).
#ifndef TRAINER_LOOP_BEST_METRIC_H_
#define TRAINER_LOOP_BEST_METRIC_H_

#include <string>

namespace slimreel {

// Whether `value` is better than `best`. A lower loss is better; of every other metric, a higher
// value is. An equal value is not better, and neither is NaN or infinity. Without a best so far
// (`has_best` false), every finite value is better.
bool IsBetter(const std::string& name, double value, double best, bool has_best);

}  // namespace slimreel

#endif  // TRAINER_LOOP_BEST_METRIC_H_
