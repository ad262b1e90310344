#include "trainer/setup/held_out.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "trainer/setup/run_options.h"

namespace slimreel {
namespace {

// RUN of RUN/checkpoints/step_N.
std::string RunOf(const FoundCheckpoint& checkpoint) {
  // Canonical, because a path that ends in a slash has one part more.
  const auto path = std::filesystem::weakly_canonical(checkpoint.path);
  return path.parent_path().parent_path().string();
}

// Of `run_dir` and of the checkpoint's run, which --resume and --checkpoint may name elsewhere.
// None: neither has recorded anything.
absl::StatusOr<std::optional<SampleIds>> Recorded(const std::string& run_dir,
                                                  const FoundCheckpoint& checkpoint) {
  std::optional<SampleIds> all;
  for (const std::string& run : {run_dir, RunOf(checkpoint)}) {
    auto ids = ReadTrainedOn(run);
    if (absl::IsNotFound(ids.status())) continue;
    SLIMREEL_RETURN_IF_ERROR(ids.status());
    if (!all) all.emplace();
    all->Add(*ids);
  }
  return all;
}

}  // namespace

absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const std::optional<FoundCheckpoint>& start,
                                        const Loader& train) {
  SampleIds ids(train.ContentIds());
  if (!start) return ids;
  SLIMREEL_ASSIGN_OR_RETURN(const auto before, Recorded(run_dir, *start));
  if (before) {
    ids.Add(*before);
  } else if (!ids.ids().empty()) {  // else its samples are made up, and leave no record
    LOG(WARNING) << start->path << " is of a run that did not record what it learnt from, so only "
                 << "what data.train holds now is kept from its evaluations";
  }
  return ids;
}

absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const FoundCheckpoint& checkpoint, const Config& config,
                                        const Model& model) {
  SLIMREEL_ASSIGN_OR_RETURN(const auto recorded, Recorded(run_dir, checkpoint));
  if (recorded) return *recorded;
  LoaderOptions options = TrainLoaderOptions(config, /*effective_batch=*/1);
  options.training = false;  // no order, which could ask for labels
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, model, &options));
  const auto loader = Loader::Open(options);
  const std::string folders = absl::StrJoin(config.data.train, ", ");
  if (!loader.ok()) {
    LOG(WARNING) << run_dir << " has no " << kTrainedOnFile
                 << " (an earlier version made it), and its data.train (" << folders
                 << ") cannot be opened: whether it was trained on these samples is not known ("
                 << loader.status().message() << ")";
    return SampleIds();
  }
  LOG(WARNING) << run_dir << " has no " << kTrainedOnFile
               << " (an earlier version made it): whether it was trained on these samples is "
                  "judged by what "
               << folders << " holds now, which is weaker";
  return SampleIds((*loader)->ContentIds());
}

absl::Status CheckHeldOut(const SampleIds& trained_on, const Loader& loader,
                          absl::string_view owner, absl::string_view remedy) {
  const std::vector<uint64_t> ids = loader.ContentIds();
  int64_t seen = 0;
  size_t example = 0;
  for (size_t sample = 0; sample < ids.size(); ++sample) {
    if (!trained_on.Contains(ids[sample])) continue;
    if (seen++ == 0) example = sample;
  }
  if (seen == 0) return absl::OkStatus();
  const int64_t video = loader.video_of(static_cast<int64_t>(example));
  return absl::InvalidArgumentError(absl::StrCat(
      seen, " of the ", ids.size(), " samples of ", owner, " are among those that the run is ",
      "trained on, one of ", loader.videos()[static_cast<size_t>(video)],
      " for example, so its metrics would say nothing of other videos. Prepare other videos with "
      "--split=val and name their folder, ",
      remedy));
}

}  // namespace slimreel
