// What prepare did to the frames that a model is trained on, out of dataset.json.
//
// Who calls it: trainer/setup/session, at the beginning of a run; the answer is kept
// in the train state, so that predict does the same to raw videos.
#ifndef TRAINER_SETUP_FRAME_PREPARATION_H_
#define TRAINER_SETUP_FRAME_PREPARATION_H_

#include "absl/status/statusor.h"
#include "configs/data_options.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

// Of the first folder of data.train; another folder that was prepared otherwise is
// warned of. Where nothing says it (made-up samples, shards of another program), the
// configuration does. DataLoss: a damaged dataset.json.
absl::StatusOr<FramePreparation> FindFramePreparation(const DataOptions& data);

}  // namespace slimreel

#endif  // TRAINER_SETUP_FRAME_PREPARATION_H_
