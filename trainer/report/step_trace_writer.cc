#include "trainer/report/step_trace_writer.h"

#include <utility>

#include "base/logging.h"

namespace slimreel {
namespace {

class StepTraceWriter : public Observer {
 public:
  StepTraceWriter(std::string run_dir, StepRecorder* recorder)
      : run_dir_(std::move(run_dir)), recorder_(recorder) {}

  absl::Status OnStep(const StepRecord& /*step*/, const MemoryRecord& /*memory*/) override {
    Write();
    return absl::OkStatus();
  }
  absl::Status OnEnd(const RunRecord& /*run*/) override {
    Write();
    return absl::OkStatus();
  }

 private:
  void Write() {
    const auto trace = recorder_->Take();
    if (!trace) return;
    const absl::Status written = WriteStepTrace(*trace, run_dir_);
    if (!written.ok()) LOG(WARNING) << "the trace of a step is missing: " << written.message();
  }

  std::string run_dir_;
  StepRecorder* recorder_;
};

}  // namespace

std::unique_ptr<Observer> MakeStepTraceWriter(const std::string& run_dir, StepRecorder* recorder) {
  return std::make_unique<StepTraceWriter>(run_dir, recorder);
}

}  // namespace slimreel
