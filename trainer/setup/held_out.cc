#include "trainer/setup/held_out.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "trainer/setup/run_loaders.h"

namespace slimreel {
namespace {

// RUN of RUN/checkpoints/step_N.
std::string RunOf(const FoundCheckpoint& checkpoint) {
  // Canonical, because a trailing slash would add a part to the path.
  const auto path = std::filesystem::weakly_canonical(checkpoint.path);
  return path.parent_path().parent_path().string();
}

struct Record {
  SampleIds ids;
  bool complete = false;  // the checkpoint's own run has recorded what it learnt from
};

// Records of `run_dir` and of the checkpoint's run. The two differ if --resume or --checkpoint
// names a checkpoint of another run.
absl::StatusOr<Record> Recorded(const std::string& run_dir, const FoundCheckpoint& checkpoint) {
  Record record;
  const std::string own = RunOf(checkpoint);
  for (const std::string& run : {run_dir, own}) {
    auto ids = ReadTrainedOn(run);
    record.complete = ids.ok();  // the last run of the loop counts: the checkpoint's
    if (absl::IsNotFound(ids.status())) continue;
    SLIMREEL_RETURN_IF_ERROR(ids.status());
    record.ids.Add(*ids);
  }
  return record;
}

}  // namespace

SampleIds IdsOf(const Loader& loader) {
  SampleIds ids(loader.ContentIds());
  ids.Add(SampleIds(loader.SourceIds()));
  return ids;
}

absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const std::optional<FoundCheckpoint>& start,
                                        const Loader& train) {
  SampleIds ids = IdsOf(train);
  if (!start) return ids;
  SLIMREEL_ASSIGN_OR_RETURN(const Record before, Recorded(run_dir, *start));
  ids.Add(before.ids);
  // Synthetic samples have no ids and leave no record.
  if (!before.complete && !ids.ids().empty()) {
    LOG(WARNING) << "the run of " << start->path << " did not record what it learnt from; only the "
                 << "samples that data.train holds now and those that " << run_dir
                 << " recorded are kept out of evaluations";
  }
  return ids;
}

absl::StatusOr<SampleIds> FindTrainedOn(const std::string& run_dir,
                                        const FoundCheckpoint& checkpoint, const Config& config,
                                        const Model& model) {
  SLIMREEL_ASSIGN_OR_RETURN(Record recorded, Recorded(run_dir, checkpoint));
  if (recorded.complete) return std::move(recorded.ids);
  const std::string own = RunOf(checkpoint);
  LoaderOptions options = TrainLoaderOptions(config, /*effective_batch=*/1);
  options.training = false;  // an order of training samples could ask for labels
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, model, &options));
  const auto loader = Loader::Open(options);
  const std::string folders = absl::StrJoin(config.data.train, ", ");
  if (!loader.ok()) {
    LOG(WARNING)
        << own << " has no " << kTrainedOnFile
        << " (an earlier version made it), and its data.train (" << folders
        << ") cannot be opened, so it is not known whether it was trained on these samples ("
        << loader.status().message() << ")";
    return std::move(recorded.ids);
  }
  LOG(WARNING) << own << " has no " << kTrainedOnFile << " (an earlier version made it), so what "
               << folders
               << " holds now is taken for what it was trained on; that is a weaker check";
  recorded.ids.Add(IdsOf(**loader));
  return std::move(recorded.ids);
}

absl::Status CheckHeldOut(const SampleIds& trained_on, const Loader& loader,
                          absl::string_view owner, absl::string_view remedy) {
  const std::vector<uint64_t> ids = loader.ContentIds(), videos = loader.SourceIds();
  int64_t seen = 0;
  size_t example = 0;
  for (size_t sample = 0; sample < ids.size(); ++sample) {
    if (!trained_on.Contains(ids[sample]) && !trained_on.Contains(videos[sample])) continue;
    if (seen++ == 0) example = sample;
  }
  if (seen == 0) return absl::OkStatus();
  const int64_t video = loader.video_of(static_cast<int64_t>(example));
  return absl::InvalidArgumentError(absl::StrCat(
      seen, " of the ", ids.size(), " samples of ", owner, " are among those that the run is ",
      "trained on, one of ", loader.videos()[static_cast<size_t>(video)],
      " for example. So its metrics would not tell how it does on new videos. Prepare others with "
      "--split=val and name their folder, ",
      remedy));
}

}  // namespace slimreel
