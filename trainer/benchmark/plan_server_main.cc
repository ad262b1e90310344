// Plans steps for budgets and runs them on request: memory_curves.py draws what they take.
//
//   plan_server MODEL BATCH FRAMES SIZE AUDIO_FRAMES TOKENS [reuse|plain]
//
// Reads commands from standard input and answers each but `quit` with one JSON line:
//   about                 bytes of parameters, gradients and optimizer; the unplanned step's peak
//   plan MEANS BUDGET     the plan for a budget; MEANS is `all` or `checkpointing`
//   use BUDGET PLAN       takes a plan, as `plan` gave it, for the steps to come
//   step                  runs a step under that plan and budget
//   digest                a number made of every bit of the weights
// BatchNorm's groups have one sample, so that every split is allowed. The optimizer is AdamW.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>

#include "base/exit_code.h"
#include "memory/executor/schedule_text.h"
#include "memory/policy/plan.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/resident_set.h"
#include "models/chain/model.h"
#include "trainer/benchmark/measured_learner.h"
#include "trainer/planning/step_planner.h"

namespace slimreel {
namespace {

constexpr int64_t kNoLimit = int64_t{1} << 50;

// User and system time of all threads.
double CpuMs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

class PlanServer {
 public:
  PlanServer(const MeasuredLearnerOptions& options, int64_t resident_before)
      : learner_(std::move(MeasuredLearner::Make(options).value())),
        plan_(learner_->PlanOf(options.effective_batch, "keep")),
        resident_before_(resident_before) {}

  nlohmann::json Answer(const std::string& command, std::istream& arguments) {
    if (command == "about") return About();
    if (command == "plan") return MakePlanFor(arguments);
    if (command == "use") return Use(arguments);
    if (command == "step") return Step();
    if (command == "digest") return Digest();
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
    const double before = CpuMs();
    const MeasuredSteps measured = learner_->Run(plan_, 1, budget_);
    const double cpu_ms = CpuMs() - before;
    return {{"ms", measured.step_ms[0]},
            {"cpu_ms", cpu_ms},
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
      const auto* const words = static_cast<const uint32_t*>(named.tensor.data_ptr());
      for (size_t i = 0; i < named.tensor.nbytes() / 4; ++i) digest = digest * 31 + words[i];
    }
    return {{"digest", digest}};
  }

  std::unique_ptr<MeasuredLearner> learner_;
  Plan plan_;
  int64_t budget_ = 0;
  int64_t resident_before_;
  bool has_stepped_ = false;
};

int Serve(int argc, char** argv) {
  if (argc < 7) {
    std::cerr << "usage: plan_server MODEL BATCH FRAMES SIZE AUDIO_FRAMES TOKENS [reuse|plain]\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  InstallCpuAllocator(/*reuse=*/argc < 8 || std::string(argv[7]) == "reuse");
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
  PlanServer server(options, resident_before);
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
