// Plans steps for budgets and runs them on request: memory_curves.py draws what they take.
//
//   plan_server MODEL BATCH FRAMES SIZE AUDIO_FRAMES TOKENS [ALLOCATOR] [DROPOUT [DROP_PATH]]
//
// ALLOCATOR is reuse (the project's, the default), plain (the same without reuse), managed (as
// reuse, with a memory manager around each step), or none: ATen's own, over a heap that keeps freed
// memory. With none, nothing counts, tags or bounds memory; only step and digest make sense then.
// Without the probabilities, the model has the reference's.
// Reads commands from standard input and answers each but `quit` with one JSON line:
//   about                 bytes of parameters, gradients and optimizer; the unplanned step's peak
//   plan MEANS BUDGET     the plan for a budget; MEANS is `all` or `checkpointing`
//   use BUDGET PLAN       takes a plan, as `plan` gave it, for the steps to come
//   step                  runs a step under that plan and budget
//   digest                a number made of every bit of the weights
//   gradients             runs a step and answers with such a number of its gradients
// BatchNorm's groups have one sample, so that every split is allowed. The optimizer is AdamW.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "memory/executor/executor.h"
#include "memory/executor/schedule_text.h"
#include "memory/policy/plan.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/resident_set.h"
#include "models/chain/model.h"
#include "trainer/benchmark/managed_steps.h"
#include "trainer/benchmark/measured_learner.h"
#include "trainer/planning/step_planner.h"

namespace slimreel {
namespace {

constexpr int64_t kNoLimit = int64_t{1} << 50;

// User and system time of all threads.
double CpuMs() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

uint64_t DigestOf(const at::Tensor& tensor, uint64_t digest) {
  if (!tensor.defined()) return digest * 31;
  const auto* const words = static_cast<const uint32_t*>(tensor.data_ptr());
  for (size_t i = 0; i < tensor.nbytes() / 4; ++i) digest = digest * 31 + words[i];
  return digest;
}

// Reads the gradients of a step before the optimizer uses them.
class GradientDigest : public ExecutorHooks {
 public:
  explicit GradientDigest(const Model& model) : parameters_(Parameters(model)) {}
  void BeforeUpdate() override {
    for (const NamedTensor& named : parameters_) digest_ = DigestOf(named.tensor.grad(), digest_);
  }
  uint64_t digest() const { return digest_; }

 private:
  const std::vector<NamedTensor> parameters_;
  uint64_t digest_ = 0;
};

class PlanServer {
 public:
  PlanServer(const MeasuredLearnerOptions& options, int64_t resident_before, bool managed)
      : managed_(managed ? MakeManagedSteps() : nullptr),
        learner_(std::move(MeasuredLearner::Make(options).value())),
        plan_(learner_->PlanOf(options.effective_batch, "keep")),
        resident_before_(resident_before) {}

  nlohmann::json Answer(const std::string& command, std::istream& arguments) {
    if (command == "about") return About();
    if (command == "plan") return MakePlanFor(arguments);
    if (command == "use") return Use(arguments);
    if (command == "step") return Step();
    if (command == "digest") return Digest();
    if (command == "gradients") return Gradients();
    return {{"error", "unknown command"}};
  }

 private:
  nlohmann::json About() {
    const StepPrediction kept = learner_->Predict(plan_);
    int64_t gradients = 0;
    for (const NamedTensor& named : Parameters(learner_->model())) {
      if (named.tensor.requires_grad()) gradients += static_cast<int64_t>(named.tensor.nbytes());
    }
    return {{"natural_peak_bytes", kept.peak_bytes},
            {"parameter_bytes", At(kept.by_tag, MemoryTag::kParameters)},
            {"optimizer_bytes", At(kept.by_tag, MemoryTag::kOptimizer)},
            {"gradient_bytes", gradients}};
  }

  nlohmann::json MakePlanFor(std::istream& arguments) {
    std::string means;
    int64_t budget = 0;
    arguments >> means >> budget;
    PlanningTerms terms = learner_->Terms(budget > 0 ? budget : kNoLimit);
    if (means == "checkpointing") {
      terms.allow.lean = terms.allow.split = terms.allow.offload = false;
    }
    const double before = CpuMs();
    const auto start = std::chrono::steady_clock::now();
    const auto planned = PlanSteps(learner_->predictor(), terms);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!planned.ok()) return {{"error", std::string(planned.status().message())}};
    return {{"plan",
             {{"micro_batch", planned->plan.micro_batch},
              {"schedule", ScheduleText(planned->plan)},
              {"release", planned->plan.release},
              {"page_optimizer", planned->plan.page_optimizer}}},
            {"described", DescribePlan(planned->plan)},
            {"predicted_bytes", planned->prediction.peak_bytes},
            {"predicted_ms", planned->prediction.step_ms},
            {"smallest_budget_bytes", planned->smallest_budget_bytes},
            {"planning_ms", took.count()},
            {"planning_cpu_ms", CpuMs() - before}};
  }

  nlohmann::json Use(std::istream& arguments) {
    arguments >> budget_;
    const auto given = nlohmann::json::parse(arguments, nullptr, /*allow_exceptions=*/false);
    if (given.is_discarded()) return {{"error", "this is no plan"}};
    auto schedule = ParseSchedule(given["schedule"], learner_->executor().stage_names());
    if (!schedule.ok()) return {{"error", std::string(schedule.status().message())}};
    plan_.micro_batch = given["micro_batch"];
    plan_.schedule = *std::move(schedule);
    plan_.release = given["release"];
    plan_.page_optimizer = given["page_optimizer"];
    return {{"described", DescribePlan(plan_)}};
  }

  nlohmann::json Step() {
    ReleaseBefore();
    const MeasuredSteps measured = learner_->Run(plan_, 1, budget_, managed_.get());
    return {{"ms", measured.step_ms[0]},
            {"cpu_ms", measured.step_cpu_ms[0]},
            {"peak_bytes", measured.peak_bytes},
            {"oom_retries", measured.oom_retries},
            {"resident_bytes", ReadResidentSet().peak_bytes - resident_before_}};
  }

  // Before the first step: what planning left behind would count as the step's.
  void ReleaseBefore() {
    if (std::exchange(has_stepped_, true)) return;
    ReleaseKeptCpuBlocks();
    malloc_trim(0);
    ResetPeakResidentSet();
  }

  nlohmann::json Digest() const {
    uint64_t digest = 0;
    for (const NamedTensor& named : Parameters(learner_->model())) {
      digest = DigestOf(named.tensor, digest);
    }
    return {{"digest", digest}};
  }

  nlohmann::json Gradients() {
    GradientDigest digest(learner_->model());
    learner_->Run(plan_, 1, budget_, &digest);
    return {{"gradients", digest.digest()}};
  }

  std::unique_ptr<ExecutorHooks> managed_;
  std::unique_ptr<MeasuredLearner> learner_;
  Plan plan_;
  int64_t budget_ = 0;
  int64_t resident_before_;
  bool has_stepped_ = false;
};

void InstallAllocator(const std::string& name) {
  if (name != "none") return InstallCpuAllocator(/*reuse=*/name != "plain");
  mallopt(M_MMAP_MAX, 0);  // all blocks come from the heap and stay there, as reuse does it
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

int Serve(int argc, char** argv) {
  if (argc < 7) {
    std::cerr << "usage: plan_server MODEL BATCH FRAMES SIZE AUDIO_FRAMES TOKENS "
                 "[reuse|plain|managed|none] [DROPOUT [DROP_PATH]]\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  const std::string allocator = argc > 7 ? argv[7] : "reuse";
  InstallAllocator(allocator);
  const int64_t resident_before = ReadResidentSet().bytes;
  MeasuredLearnerOptions options;
  options.random_batch = true;
  options.effective_batch = std::atoll(argv[2]);
  options.spec.name = argv[1];
  options.spec.num_classes = 60;
  options.spec.num_frames = std::atoll(argv[3]);
  options.spec.height = options.spec.width = std::atoll(argv[4]);
  options.spec.audio_frames = std::atoll(argv[5]);
  options.spec.text_tokens = std::atoll(argv[6]);
  if (argc > 8) options.spec.dropout = std::atof(argv[8]);
  if (argc > 9) options.spec.drop_path = std::atof(argv[9]);
  PlanServer server(options, resident_before, allocator == "managed");
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream arguments(line);
    std::string command;
    arguments >> command;
    if (command == "quit") break;
    std::cout << server.Answer(command, arguments).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) { return slimreel::Serve(argc, argv); }
