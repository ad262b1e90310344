// The data that evaluate scores a trained model on: the folders of --data, or those of the run.
#ifndef TRAINER_EVALUATION_DATA_H_
#define TRAINER_EVALUATION_DATA_H_

#include <memory>

#include "absl/status/statusor.h"
#include "data/loading/loader.h"
#include "trainer/inference_flags.h"
#include "trainer/setup/trained_model.h"

namespace slimreel {

// Opens the data that `flags` choose, in batches that fit what the budget leaves beside the model.
// Errors: the loader's, with the key of the run that names the data; InvalidArgument if the run
// names no such data, or the data have other classes or hold samples that the run was trained on
// (allowed by --split=train); Unimplemented for speech models.
absl::StatusOr<std::unique_ptr<Loader>> OpenEvaluationData(const TrainedModel& trained,
                                                           const InferenceFlags& flags);

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_DATA_H_
