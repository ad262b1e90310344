// Runs a train step on request, for benchmarks that step a peer in turn. Reads the commands `step`,
// `peak`, `saved`, `digest` and `quit` from standard input. Answers all but the last with one JSON
// line each.
//
//   step_server MODEL BATCH FRAMES SIZE [reuse|plain] [SCHEDULE] [plain|release|page|release,page]
//
// `release` updates the parameters of a stage right after its backward. `page` keeps the
// optimizer's state in host memory. `digest` is a number made of every bit of the weights.
//
// A step is forward, loss, backward and fused AdamW on one fixed batch of what the network reads:
// the same work that eager_server.py does in PyTorch. For speech models, FRAMES is the number of
// tokens. `saved` runs forward and backward and reports the bytes that forward kept for backward.
#include <ATen/Context.h>
#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>

#include "memory/executor/executor.h"
#include "memory/executor/release_groups.h"
#include "memory/executor/releasing_run.h"
#include "memory/paging/host_pool.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/benchmark/step_batch.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

constexpr int64_t kClasses = 60;

// VmHWM of this process in bytes: the peak of its resident set.
int64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::atoll(line.c_str() + 6) * 1024;
  }
  return 0;
}

// Reads the live bytes when the first backward begins.
class BackwardWatch : public ExecutorHooks {
 public:
  void BeforeOp(const Op& op) override {
    if (op.kind == OpKind::kBackward && live_bytes_ == 0) {
      live_bytes_ = ReadCpuMemory().live_bytes;
    }
  }
  int64_t live_bytes() const { return live_bytes_; }

 private:
  int64_t live_bytes_ = 0;
};

class StepServer {
 public:
  StepServer(const ModelSpec& spec, int64_t batch, const std::string& schedule_words,
             const std::string& means)
      : model_(std::move(BuildModel(spec).value())),
        executor_(model_->ChainWithLoss()),
        optimizer_({}, MakeParamGroups(Parameters(*model_), 0.01, false), std::nullopt,
                   {.pool = means.find("page") == std::string::npos ? nullptr : &pool_}),
        release_(means.find("release") != std::string::npos) {
    if (release_) optimizer_.SetReleaseGroups(ReleaseGroups(executor_.ScheduledStages()));
    const int stages = executor_.num_scheduled_stages();
    schedule_ = MakeSchedule(ParseStageModes(schedule_words, stages - 1).value());
    at::manual_seed(0);  // the same batch in every process
    batch_ = MakeStepBatch(*model_, spec, batch);
  }

  void Step() {
    ResetCpuPeaks();
    const auto start = std::chrono::steady_clock::now();
    const Tensors out = release_ ? ReleasingStep() : PlainStep();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << "{\"ms\": " << took.count() << ", \"loss\": " << out[0].item<double>() << "}"
              << std::endl;
  }

  void Saved() {
    const int64_t before = ReadCpuMemory().live_bytes;
    BackwardWatch watch;
    ForwardBackward(&watch);
    optimizer_.ZeroGrad();
    std::cout << "{\"saved_bytes\": " << watch.live_bytes() - before << "}" << std::endl;
  }

  void Peak() const {
    const CpuMemoryReading reading = ReadCpuMemory();
    std::cout << "{\"peak_live_bytes\": " << reading.peak_live_bytes
              << ", \"peak_reserved_bytes\": " << reading.peak_reserved_bytes
              << ", \"peak_resident_bytes\": " << PeakResidentBytes()
              << ", \"host_pool_bytes\": " << pool_.live_bytes() << "}" << std::endl;
  }

  void Digest() const {
    uint64_t digest = 0;
    for (const NamedTensor& named : Parameters(*model_)) {
      const auto* const words = static_cast<const uint32_t*>(named.tensor.data_ptr());
      for (size_t i = 0; i < named.tensor.nbytes() / 4; ++i) digest = digest * 31 + words[i];
    }
    std::cout << "{\"digest\": " << digest << "}" << std::endl;
  }

 private:
  StageContext NextContext() {
    StageContext context;
    context.step = step_++;
    context.training = true;
    context.targets = &batch_.targets;
    context.loss_denominator = model_->loss->ValidWeight(batch_.targets);
    return context;
  }
  Tensors ForwardBackward(ExecutorHooks* hooks) {
    Tensors out = executor_.Run(schedule_, NextContext(), batch_.inputs, hooks);
    CommitLogs(StepLogs(model_->ChainWithLoss()));
    return out;
  }
  Tensors PlainStep() {
    Tensors out = ForwardBackward(nullptr);
    optimizer_.Step(1e-4);
    optimizer_.ZeroGrad();
    return out;
  }
  Tensors ReleasingStep() {
    optimizer_.BeginStep(1e-4);
    ReleasingRun run(&executor_, [this](int stage) { optimizer_.StepStage(stage); });
    Tensors out = run.Run(schedule_, NextContext(), batch_.inputs);
    CommitLogs(StepLogs(model_->ChainWithLoss()));
    optimizer_.EndStep();
    optimizer_.ZeroGrad();
    return out;
  }

  std::unique_ptr<Model> model_;
  Executor executor_;
  HostPool pool_;
  Optimizer optimizer_;
  const bool release_;
  Schedule schedule_;
  StepBatch batch_;
  int64_t step_ = 0;
};

int Serve(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: step_server MODEL BATCH FRAMES SIZE [reuse|plain] [SCHEDULE] [MEANS]\n";
    return 2;
  }
  InstallCpuAllocator(/*reuse=*/argc < 6 || std::string(argv[5]) == "reuse");
  ModelSpec spec;
  spec.name = argv[1];
  spec.num_classes = kClasses;
  spec.num_frames = spec.text_tokens = std::atoll(argv[3]);
  // Speech models have no frames: 0.
  if (const int64_t size = std::atoll(argv[4]); size > 0) spec.height = spec.width = size;
  StepServer server(spec, std::atoll(argv[2]), argc > 6 ? argv[6] : "keep",
                    argc > 7 ? argv[7] : "plain");
  for (std::string command; std::getline(std::cin, command) && command != "quit";) {
    if (command == "step") server.Step();
    if (command == "peak") server.Peak();
    if (command == "saved") server.Saved();
    if (command == "digest") server.Digest();
  }
  return 0;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) { return slimreel::Serve(argc, argv); }
