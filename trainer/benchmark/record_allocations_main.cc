// Records the allocations and frees of one training step, in order, for
// //memory/tracking:allocator_benchmark. memory/tracking/README.md has the commands.
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <gflags/gflags.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "memory/executor/executor.h"
#include "memory/tracking/allocation_trace.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

DEFINE_string(model, "video_vit_small", "model name; //models:model list shows all");
DEFINE_int64(batch, 8, "clips in the step; it has one micro-batch");
DEFINE_int64(frames, 16, "frames of a clip");
DEFINE_int64(size, 112, "height and width of a frame in pixels");
DEFINE_string(schedule, "keep", "what each stage keeps, as memory.schedule");
DEFINE_string(output, "", "trace file to write; required");

namespace slimreel {
namespace {

constexpr int64_t kClasses = 60;

// Forward, loss, backward, fused AdamW on one batch.
void Step(const Model& model, Executor& executor, Optimizer& optimizer, const Schedule& schedule,
          const at::Tensor& clips, const Tensors& labels) {
  StageContext context;
  context.training = true;
  context.targets = &labels;
  context.loss_denominator = static_cast<double>(clips.size(0));
  executor.Run(schedule, context, {clips});
  CommitLogs(StepLogs(model.ChainWithLoss()));
  optimizer.Step(1e-4);
  optimizer.ZeroGrad();
}

absl::Status Record() {
  ModelSpec spec;
  spec.name = FLAGS_model;
  spec.num_classes = kClasses;
  spec.num_frames = FLAGS_frames;
  spec.height = spec.width = FLAGS_size;
  absl::StatusOr<std::unique_ptr<Model>> model = BuildModel(spec);
  if (!model.ok()) return model.status();
  Executor executor((*model)->ChainWithLoss());
  Optimizer optimizer({}, MakeParamGroups(Parameters(**model), 0.01, false));
  auto modes = ParseStageModes(FLAGS_schedule, executor.num_scheduled_stages() - 1);
  if (!modes.ok()) return modes.status();
  const Schedule schedule = MakeSchedule(*modes);
  const at::Tensor clips =
      at::randint(256, {FLAGS_batch, 3, FLAGS_frames, FLAGS_size, FLAGS_size}, at::kByte);
  const Tensors labels = {at::zeros({FLAGS_batch}, at::kLong)};
  Step(**model, executor, optimizer, schedule, clips,
       labels);  // the first step makes what is made only once
  AllocationRecorder recorder;
  AddCpuAllocationHook(&recorder);
  Step(**model, executor, optimizer, schedule, clips, labels);
  RemoveCpuAllocationHook(&recorder);
  return WriteAllocationTrace(
      recorder.Take(absl::StrCat(FLAGS_model, ", ", FLAGS_batch, " x ", FLAGS_frames, " x ",
                                 FLAGS_size, " x ", FLAGS_size, ", ", FLAGS_schedule)),
      FLAGS_output);
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "record_allocations --output=FILE [--model=NAME] [--batch=N] [--frames=N] [--size=N]");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (FLAGS_output.empty() || argc > 1) {
    std::cerr << gflags::ProgramUsage() << "\n";
    return static_cast<int>(slimreel::ExitCode::kUsage);
  }
  slimreel::InstallCpuAllocator();
  const absl::Status status = slimreel::Record();
  if (!status.ok()) std::cerr << status.message() << "\n";
  return static_cast<int>(slimreel::ExitCodeOf(status));
}
