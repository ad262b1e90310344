// What prepare did to the frames that a model is trained on, as dataset.json says it.
//
// A new run stores the answer in its training state, so that predict treats raw videos alike.
#ifndef TRAINER_SETUP_FRAME_PREPARATION_H_
#define TRAINER_SETUP_FRAME_PREPARATION_H_

#include "absl/status/statusor.h"
#include "configs/data_options.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

// Reads the first folder of data.train, and warns if another folder was prepared differently. The
// configuration answers for samples without a description: synthetic ones and shards of other
// programs. DataLoss: a damaged dataset.json.
absl::StatusOr<FramePreparation> FindFramePreparation(const DataOptions& data);

}  // namespace slimreel

#endif  // TRAINER_SETUP_FRAME_PREPARATION_H_
