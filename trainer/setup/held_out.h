// Keeps a run from being scored on samples that it has learnt from, unless the user asks for that.
// Samples are compared by content and by source video. So a copied or moved folder is recognised,
// and so is another preparation of the same videos.
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

// Ids of the samples that `loader` reads: of their contents, and of their source videos.
SampleIds IdsOf(const Loader& loader);

// What a run that trains on `train` has learnt from: the samples of `train` and, if it starts at a
// checkpoint, what the checkpoint's run and `run_dir` have recorded. Warns if the checkpoint's run
// recorded nothing. Errors: those of ReadTrainedOn.
absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const std::optional<FoundCheckpoint>& start,
                                        const Loader& train);

// What a trained model has learnt from, as its run recorded it. A run of an earlier version
// recorded nothing. Then the result is what data.train holds now, or empty if that cannot be
// opened, with a warning that this is weaker. `model` is the one that `config` names.
absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const FoundCheckpoint& checkpoint, const Config& config,
                                        const Model& model);

// InvalidArgument if `loader` holds samples of `trained_on`. The message says how many, gives an
// example and the ways out. `owner` is the key or flag that names the data; `remedy` ends the
// message.
absl::Status CheckHeldOut(const SampleIds& trained_on, const Loader& loader,
                          absl::string_view owner, absl::string_view remedy);

}  // namespace slimreel

#endif  // TRAINER_SETUP_HELD_OUT_H_
