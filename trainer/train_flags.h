// The flags of train as a TrainCommand. train_flags.cc is the only place that reads them.
#ifndef TRAINER_TRAIN_FLAGS_H_
#define TRAINER_TRAIN_FLAGS_H_

#include "trainer/setup/train_command.h"

namespace slimreel {

TrainCommand TrainCommandFromFlags();

}  // namespace slimreel

#endif  // TRAINER_TRAIN_FLAGS_H_
