// That a run is not scored on samples that it has learnt from, unless somebody asks for it.
// Samples are compared by content and by video, so neither a copied or moved folder, nor another
// preparation hides them.
//
// Threading: one thread.
#ifndef TRAINER_SETUP_HELD_OUT_H_
#define TRAINER_SETUP_HELD_OUT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "configs/schema.h"
#include "data/loading/loader.h"
#include "models/chain/model.h"
#include "trainer/checkpoint/folder.h"
#include "trainer/checkpoint/trained_on.h"

namespace slimreel {

// Of the samples that `loader` reads: their contents, and the videos that they were made of.
SampleIds IdsOf(const Loader& loader);

// What a run that goes on with `train` will have learnt from: its samples, and, where it starts at
// a checkpoint, what was recorded in the checkpoint's run and in `run_dir`. Warns where the
// checkpoint's run recorded nothing. Errors: those of ReadTrainedOn.
absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const std::optional<FoundCheckpoint>& start,
                                        const Loader& train);

// What a trained model has learnt from, as recorded. A run of an earlier version recorded nothing:
// then it is what data.train holds now, or nothing where that cannot be opened, with a warning
// that this is weaker. `model` is the one that `config` names.
absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const FoundCheckpoint& checkpoint, const Config& config,
                                        const Model& model);

// InvalidArgument where `loader` holds samples of `trained_on`: how many, an example and the ways
// out. `owner` is the key or flag that names the data; `remedy` ends the message.
absl::Status CheckHeldOut(const SampleIds& trained_on, const Loader& loader,
                          absl::string_view owner, absl::string_view remedy);

}  // namespace slimreel

#endif  // TRAINER_SETUP_HELD_OUT_H_
