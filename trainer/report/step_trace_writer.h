// RUN/step_trace.json, written when the recorded step is reported.
//
// Threading: the trainer's thread. Ownership: borrows the recorder.
#ifndef TRAINER_REPORT_STEP_TRACE_WRITER_H_
#define TRAINER_REPORT_STEP_TRACE_WRITER_H_

#include <memory>
#include <string>

#include "trainer/observers/observer.h"
#include "trainer/report/step_recorder.h"

namespace slimreel {

// The file is not part of the step's time. If it cannot be written, a warning says so: the run does
// not need it.
std::unique_ptr<Observer> MakeStepTraceWriter(const std::string& run_dir, StepRecorder* recorder);

}  // namespace slimreel

#endif  // TRAINER_REPORT_STEP_TRACE_WRITER_H_
