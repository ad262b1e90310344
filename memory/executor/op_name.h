// The names of operations, as messages, state files and traces write them.
//
// Threading: a free function.
#ifndef MEMORY_EXECUTOR_OP_NAME_H_
#define MEMORY_EXECUTOR_OP_NAME_H_

#include <string>

#include "memory/executor/schedule.h"

namespace slimreel {

// "F_keep", "F_lean", "F_checkpoint", "F_nograd" or "B".
std::string OpName(OpKind kind);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_OP_NAME_H_
