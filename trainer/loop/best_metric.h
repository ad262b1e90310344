// Which evaluation is the best so far (evaluation.metric).
#ifndef TRAINER_LOOP_BEST_METRIC_H_
#define TRAINER_LOOP_BEST_METRIC_H_

#include <string>

namespace slimreel {

// Whether `value` beats `best`; `has_best` false: anything but NaN does. A lower loss is
// better, a higher value of all others; an equal value is not better.
bool IsBetter(const std::string& name, double value, double best, bool has_best);

}  // namespace slimreel

#endif  // TRAINER_LOOP_BEST_METRIC_H_
