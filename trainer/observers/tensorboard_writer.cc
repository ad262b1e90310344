#include "trainer/observers/tensorboard_writer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/observers/event_files.h"
#include "trainer/observers/event_message.h"
#include "trainer/observers/memory_json.h"

namespace slimreel {
namespace {

using Scalars = std::vector<EventScalar>;

Scalars StepScalars(const StepRecord& step) {
  Scalars scalars = {
      {"train/loss", step.loss},
      {"train/lr", step.lr},
      {"train/grad_norm", step.grad_norm},
      {"train/samples_per_second",
       step.step_ms > 0 ? 1e3 * static_cast<double>(step.samples) / step.step_ms : 0.0},
      {"train/step_ms", step.step_ms},
  };
  if (step.loss_scale) scalars.push_back({"train/loss_scale", *step.loss_scale});
  return scalars;
}

void AddTags(const std::string& group, const BytesByTag& bytes, Scalars* scalars) {
  if (!AreKnown(bytes)) return;
  for (const MemoryTag tag : kMemoryTagsInOrder) {
    scalars->push_back(
        {group + std::string(MemoryTagName(tag)), static_cast<double>(At(bytes, tag))});
  }
}

void AddMemory(const MemoryRecord& memory, Scalars* scalars) {
  const auto add = [&](const char* tag, int64_t bytes) {
    scalars->push_back({tag, static_cast<double>(bytes)});
  };
  add("memory/live_bytes", memory.live_bytes);
  add("memory/peak_bytes", memory.peak_bytes);
  add("memory/reserved_bytes", memory.reserved_bytes);
  add("memory/host_bytes", memory.host_bytes);
  add("memory/loader_bytes", memory.loader_bytes);
  if (memory.budget_bytes > 0) add("memory/budget_bytes", memory.budget_bytes);
  AddTags("memory/live/", memory.live_by_tag, scalars);
  AddTags("memory/peak/", memory.peak_by_tag, scalars);
  for (const MemoryPhase phase : kMemoryPhases) {
    const int64_t bytes = At(memory.peak_by_phase, phase).bytes;
    if (bytes == 0) continue;
    scalars->push_back(
        {"memory/phase/" + std::string(MemoryPhaseName(phase)), static_cast<double>(bytes)});
  }
}

class TensorboardWriter : public Observer {
 public:
  TensorboardWriter(EventFiles files, int64_t memory_every_steps)
      : files_(std::move(files)), memory_every_steps_(memory_every_steps) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& memory) override {
    Scalars scalars = StepScalars(step);
    if (memory_every_steps_ > 0 && (step.step % memory_every_steps_ == 0 || step.oom_retries > 0)) {
      AddMemory(memory, &scalars);
    }
    return files_.Append(ScalarsEvent(WallTimeSeconds(), step.step, scalars));
  }

  absl::Status OnEvaluation(const EvaluationRecord& evaluation) override {
    Scalars scalars;
    for (const auto& [name, value] : evaluation.metrics.values) {
      scalars.push_back({absl::StrCat("val/", name), value});
    }
    return files_.Append(ScalarsEvent(WallTimeSeconds(), evaluation.step, scalars));
  }

  absl::Status Flush() override { return files_.Flush(); }
  absl::Status OnEnd(const RunRecord& /*run*/) override { return files_.Flush(); }

 private:
  EventFiles files_;
  int64_t memory_every_steps_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Observer>> MakeTensorboardWriter(const std::string& run_dir,
                                                                const TensorboardOptions& options) {
  auto files = EventFiles::Open(absl::StrCat(run_dir, "/tensorboard"), options.resumed_step);
  if (!files.ok()) return files.status();
  return std::make_unique<TensorboardWriter>(*std::move(files), options.memory_every_steps);
}

}  // namespace slimreel
