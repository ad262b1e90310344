// A schedule as text: the words of memory.schedule if it has such words, else its operations with
// the names of their stages. State files and plan.json store it.
//
// Threading: free functions.
#ifndef MEMORY_EXECUTOR_SCHEDULE_TEXT_H_
#define MEMORY_EXECUTOR_SCHEDULE_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "memory/executor/op_name.h"
#include "memory/executor/schedule.h"

namespace slimreel {

// The words (FormatStageModes) if MakeSchedule makes this schedule, else
// "F_checkpoint(stem) F_nograd(layer1.0) ...". `stages`: names of the scheduled stages, with the
// loss.
std::string FormatSchedule(const Schedule& schedule, const std::vector<std::string>& stages);

// Reads what FormatSchedule wrote, and all words of memory.schedule. InvalidArgument: a stage or
// an operation is unknown, or the schedule is not valid for these stages.
absl::StatusOr<Schedule> ParseSchedule(const std::string& text,
                                       const std::vector<std::string>& stages);

// For messages: the words, or how often each kind of forward pass occurs ("7 keep, 3 lean, 12
// checkpoint, 20 recomputed").
std::string DescribeSchedule(const Schedule& schedule);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_SCHEDULE_TEXT_H_
