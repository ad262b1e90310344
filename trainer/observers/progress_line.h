// The line that a person watches: step, loss, speed, time left, memory.
//
// Threading: the trainer's thread.
#ifndef TRAINER_OBSERVERS_PROGRESS_LINE_H_
#define TRAINER_OBSERVERS_PROGRESS_LINE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "trainer/observers/observer.h"

namespace slimreel {

struct ProgressLineOptions {
  int64_t total_steps = 0;
  int64_t first_step = 0;  // steps done before this process (resume)
  int64_t log_every_steps = 10;
  bool enabled = true;  // trainer.progress; warnings and results are printed in any case
};

// "step 40/200  epoch 1  loss 1.234  lr 1.0e-03  52.1 samples/s  1m20s left
//  memory 310 MiB now, 402 MiB peak of 512 MiB: activations 60%, optimizer 26%, parameters 13%":
// one line, without a line end. The shares are those of the peak's three largest tags.
std::string FormatProgress(const StepRecord& step, const MemoryRecord& memory,
                           double samples_per_second, double seconds_left, int64_t total_steps);

// "evaluation at step 40:  top1 0.8000  ...  (24 videos, 24 clips, 3s)": the metrics per video.
std::string FormatEvaluation(const EvaluationRecord& evaluation);

// "2h05m", "1m20s", "8s".
std::string FormatDuration(double seconds);

// Writes to standard error: a line at each `log_every_steps`-th step, at the first and at the last
// step, and one per evaluation. On a terminal, the line of a step replaces the one before.
std::unique_ptr<Observer> MakeProgressLine(const ProgressLineOptions& options);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_PROGRESS_LINE_H_
