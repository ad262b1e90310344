#include "trainer/observers/progress_line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/progress.h"
#include "base/terminal_line.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {
namespace {

// The shown speed is the mean over this number of steps.
constexpr size_t kWindow = 20;
constexpr size_t kShownTags = 3;

std::string Mebibytes(int64_t bytes) {
  return absl::StrFormat("%d MiB", (bytes + (1 << 19)) >> 20);
}

// ": activations 60%, optimizer 26%, parameters 13%": at most three, and none below 1%. Empty if
// the tags are not known.
std::string LargestTags(const BytesByTag& bytes) {
  const auto sum = static_cast<double>(std::accumulate(bytes.begin(), bytes.end(), int64_t{0}));
  std::array<MemoryTag, kNumMemoryTags> tags = kMemoryTagsInOrder;
  std::stable_sort(tags.begin(), tags.end(),
                   [&](MemoryTag a, MemoryTag b) { return At(bytes, a) > At(bytes, b); });
  std::string words;
  for (size_t i = 0; i < kShownTags && sum > 0; ++i) {
    const double percent = 100.0 * static_cast<double>(At(bytes, tags[i])) / sum;
    if (percent < 1.0) break;
    absl::StrAppendFormat(&words, "%s%s %.0f%%", words.empty() ? ": " : ", ",
                          MemoryTagName(tags[i]), percent);
  }
  return words;
}

class ProgressLine : public Observer {
 public:
  explicit ProgressLine(const ProgressLineOptions& options) : options_(options) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& memory) override {
    recent_.push_back(step);
    if (recent_.size() > kWindow) recent_.pop_front();
    if (step.step % options_.log_every_steps != 0 && step.step != options_.total_steps &&
        step.step != options_.first_step + 1) {
      return absl::OkStatus();
    }
    double milliseconds = 0.0;
    double samples = 0.0;
    for (const StepRecord& recent : recent_) {
      milliseconds += recent.step_ms;
      samples += static_cast<double>(recent.samples);
    }
    const double per_step_ms = milliseconds / static_cast<double>(recent_.size());
    const double left = 1e-3 * per_step_ms * static_cast<double>(options_.total_steps - step.step);
    line_.Show(FormatProgress(step, memory, milliseconds > 0 ? 1e3 * samples / milliseconds : 0.0,
                              left, options_.total_steps));
    return absl::OkStatus();
  }

  absl::Status OnEvaluation(const EvaluationRecord& e) override {
    line_.End();
    std::fprintf(stderr, "%s\n", FormatEvaluation(e).c_str());
    return absl::OkStatus();
  }

  absl::Status OnEnd(const RunRecord& /*run*/) override {
    line_.End();
    return absl::OkStatus();
  }

 private:
  ProgressLineOptions options_;
  TerminalLine line_;
  std::deque<StepRecord> recent_;
};

}  // namespace

std::string FormatDuration(double seconds) {
  return FormatTimeLeft(absl::Seconds(std::max(0.0, seconds) + 0.5));  // to the nearest second
}

std::string FormatProgress(const StepRecord& step, const MemoryRecord& memory,
                           double samples_per_second, double seconds_left, int64_t total_steps) {
  std::string line = absl::StrFormat(
      "step %d/%d  epoch %d  loss %.4f  lr %.2e  %.1f samples/s  %s left  memory %s now, %s peak",
      step.step, total_steps, step.epoch, step.loss, step.lr, samples_per_second,
      FormatDuration(seconds_left), Mebibytes(memory.live_bytes), Mebibytes(memory.peak_bytes));
  if (memory.budget_bytes > 0) absl::StrAppend(&line, " of ", Mebibytes(memory.budget_bytes));
  line += LargestTags(memory.peak_by_tag);
  if (step.oom_retries > 0) absl::StrAppend(&line, "  (", step.oom_retries, " retried)");
  return line;
}

std::string FormatEvaluation(const EvaluationRecord& evaluation) {
  std::string line = absl::StrFormat("evaluation at step %d:", evaluation.step);
  for (const auto& [name, value] : evaluation.metrics.values) {
    if (!absl::StartsWith(name, "clip_")) absl::StrAppendFormat(&line, "  %s %.4f", name, value);
  }
  absl::StrAppendFormat(&line, "  (%d videos, %d clips, %s)", evaluation.metrics.videos,
                        evaluation.metrics.clips, FormatDuration(evaluation.seconds));
  return line;
}

std::unique_ptr<Observer> MakeProgressLine(const ProgressLineOptions& options) {
  return std::make_unique<ProgressLine>(options);
}

}  // namespace slimreel
