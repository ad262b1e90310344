#include "memory/executor/op_name.h"

namespace slimreel {

std::string OpName(OpKind kind) {
  switch (kind) {
    case OpKind::kForwardKeep:
      return "F_keep";
    case OpKind::kForwardLean:
      return "F_lean";
    case OpKind::kForwardCheckpoint:
      return "F_checkpoint";
    case OpKind::kForwardNoGrad:
      return "F_nograd";
    case OpKind::kBackward:
      break;
  }
  return "B";
}

}  // namespace slimreel
