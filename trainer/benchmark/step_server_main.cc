// One train step on request, for benchmarks that run a peer in the same minute:
// reads `step`, `peak`, `quit` from standard input, answers each with one JSON line.
//
//   step_server MODEL BATCH FRAMES SIZE [reuse|plain] [SCHEDULE]
//
// A step is forward, loss, backward and fused AdamW on one fixed batch of
// normalised floats, the same work that eager_server.py does in PyTorch.
#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "memory/executor/executor.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

constexpr int64_t kClasses = 60;

// VmHWM of this process in bytes: the highest resident set.
int64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::atoll(line.c_str() + 6) * 1024;
  }
  return 0;
}

class StepServer {
 public:
  StepServer(const ModelSpec& spec, int64_t batch, const std::string& schedule_words)
      : model_(std::move(BuildModel(spec).value())),
        executor_(model_->ChainWithLoss()),
        optimizer_({}, MakeParamGroups(Parameters(*model_), 0.01, false)) {
    const int stages = executor_.num_scheduled_stages();
    schedule_ = MakeSchedule(ParseStageModes(schedule_words, stages - 1).value());
    clips_ = at::randn({batch, 3, spec.num_frames, spec.height, spec.width});
    targets_ = {at::randint(kClasses, {batch}, at::kLong)};
  }

  void Step() {
    ResetCpuPeaks();
    const auto start = std::chrono::steady_clock::now();
    StageContext context;
    context.step = step_++;
    context.training = true;
    context.targets = &targets_;
    context.loss_denominator = static_cast<double>(clips_.size(0));
    const Tensors out = executor_.Run(schedule_, context, {clips_});
    optimizer_.Step(1e-4);
    optimizer_.ZeroGrad();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << "{\"ms\": " << took.count() << ", \"loss\": " << out[0].item<double>() << "}"
              << std::endl;
  }

  void Peak() const {
    const CpuMemoryReading reading = ReadCpuMemory();
    std::cout << "{\"peak_live_bytes\": " << reading.peak_live_bytes
              << ", \"peak_reserved_bytes\": " << reading.peak_reserved_bytes
              << ", \"peak_resident_bytes\": " << PeakResidentBytes() << "}" << std::endl;
  }

 private:
  std::unique_ptr<Model> model_;
  Executor executor_;
  Optimizer optimizer_;
  Schedule schedule_;
  at::Tensor clips_;  // [B, 3, T, H, W] float32
  Tensors targets_;
  int64_t step_ = 0;
};

int Serve(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: step_server MODEL BATCH FRAMES SIZE [reuse|plain] [SCHEDULE]\n";
    return 2;
  }
  InstallCpuAllocator(/*reuse=*/argc < 6 || std::string(argv[5]) == "reuse");
  ModelSpec spec;
  spec.name = argv[1];
  spec.num_classes = kClasses;
  spec.num_frames = std::atoll(argv[3]);
  spec.height = spec.width = std::atoll(argv[4]);
  StepServer server(spec, std::atoll(argv[2]), argc > 6 ? argv[6] : "keep");
  for (std::string command; std::getline(std::cin, command) && command != "quit";) {
    if (command == "step") server.Step();
    if (command == "peak") server.Peak();
  }
  return 0;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) { return slimreel::Serve(argc, argv); }
