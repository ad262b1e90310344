#include "trainer/setup/run_start.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/setup/class_lists.h"
#include "trainer/setup/frame_preparation.h"
#include "trainer/setup/resume.h"
#include "trainer/setup/start_plan.h"

namespace slimreel {
namespace {

// A head knows its classes only by their place. With other data it would learn under wrong names.
absl::Status CheckClasses(const FoundCheckpoint& start, const Loader& train) {
  const std::vector<std::string>& classes = start.state.classes;
  if (classes == train.classes()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      start.path, " was trained on other classes: ",
      DescribeClassDifference({"the checkpoint", classes}, {"data.train", train.classes()}),
      "; give the data that it was trained on, or start another --run with model.weights: ",
      start.path, "/", kModelFile));
}

// Copies the checkpoint's tensors into the learner's. Returns notes on what found no place.
absl::StatusOr<std::vector<std::string>> RestoreLearner(const std::string& path,
                                                        const ConfigChanges& changes,
                                                        Learner& learner) {
  const RestoreMode mode = changes.changes_result ? RestoreMode::kChanged : RestoreMode::kExact;
  auto notes = RestoreTensors(path, *learner.model, learner.optimizer.get(), mode);
  if (notes.ok() || !changes.changes_result) return notes;
  return absl::Status(
      notes.status().code(),
      absl::StrCat(notes.status().message(), "\nThe changed configuration (",
                   absl::StrJoin(changes.lines, "; "),
                   ") makes another model of it; put the values back, or start another --run "
                   "with model.weights: ",
                   path, "/", kModelFile));
}

absl::StatusOr<TrainState> NewState(const Config& config, const Loader& train) {
  TrainState state;
  state.classes = train.classes();
  SLIMREEL_ASSIGN_OR_RETURN(state.preparation, FindFramePreparation(config.data));
  return state;
}

absl::StatusOr<TrainState> RestoredState(const RunRequest& request, const Loader& train,
                                         Learner& learner) {
  const FoundCheckpoint& start = *request.start;
  SLIMREEL_RETURN_IF_ERROR(CheckClasses(start, train));
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<std::string> notes,
                            RestoreLearner(start.path, request.changes, learner));
  TrainState state = start.state;
  for (const auto& lines : {request.changes.lines, notes}) {
    for (const std::string& line : lines) {
      state.changes.push_back(absl::StrCat("step ", state.step, ": ", line));
    }
  }
  for (const std::string& note : notes) LOG(WARNING) << note;
  LOG(INFO) << "going on from " << start.path << " at step " << state.step;
  const std::string difference =
      EnvironmentDifference(state.environment, CurrentEnvironment(request.device.str()));
  if (!difference.empty()) {
    LOG(WARNING) << "the checkpoint was made elsewhere (" << difference
                 << "): the run goes on, but not bit for bit as it would have there";
  }
  return state;
}

}  // namespace

absl::StatusOr<RunStart> MakeRunStart(const Config& config, const RunRequest& request,
                                      const RunData& data, Learner& learner) {
  RunStart start;
  SLIMREEL_ASSIGN_OR_RETURN(start.state, request.start
                                             ? RestoredState(request, *data.train, learner)
                                             : NewState(config, *data.train));
  SLIMREEL_ASSIGN_OR_RETURN(StartPlan chosen, ChooseStartPlan(config, request, learner.batch,
                                                              learner.executor->stage_names()));
  for (std::string& note : chosen.notes) start.state.changes.push_back(std::move(note));
  start.state.plan_terms = std::move(chosen.terms);
  start.state.wider = std::move(chosen.wider);
  start.state.micro_batch = chosen.plan.micro_batch;
  start.state.schedule = ScheduleText(chosen.plan);
  start.state.release = chosen.plan.release;
  start.state.page_optimizer = chosen.plan.page_optimizer;
  start.state.offload_inputs = chosen.plan.offload_inputs;
  start.plan_is_kept = chosen.is_kept;
  start.plan = std::move(chosen.plan);
  return start;
}

}  // namespace slimreel
