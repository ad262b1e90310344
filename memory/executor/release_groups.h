// Which parameters have their whole gradient after the backward of a stage. They may be updated
// there, and their gradients freed.
//
// A pure function of the stages.
#ifndef MEMORY_EXECUTOR_RELEASE_GROUPS_H_
#define MEMORY_EXECUTOR_RELEASE_GROUPS_H_

#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

// For each stage: the parameters that require a gradient and whose lowest listing stage it is.
// Backward goes from the last stage to the first, so a tied parameter waits for its lowest stage.
// Every stage must list each parameter that it uses.
std::vector<Tensors> ReleaseGroups(const std::vector<Stage*>& stages);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_RELEASE_GROUPS_H_
