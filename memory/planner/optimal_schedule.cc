#include "memory/planner/optimal_schedule.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/logging.h"

namespace slimreel {
namespace {

constexpr float kNever = std::numeric_limits<float>::infinity();

// best[m] = min(best[m], ms + inner[m] + rest[m]). The inner loop of the solver: blocks of a fixed
// length, so that the compiler uses vector instructions at -O2.
void TakeFaster(float ms, const float* inner, const float* rest, int count,
                float* __restrict best) {
  constexpr int kBlock = 8;
  int m = 0;
  for (; m + kBlock <= count; m += kBlock) {
    for (int k = 0; k < kBlock; ++k) {
      const float time = ms + inner[m + k] + rest[m + k];
      best[m + k] = time < best[m + k] ? time : best[m + k];
    }
  }
  for (; m < count; ++m) best[m] = std::min(best[m], ms + inner[m] + rest[m]);
}

double OpMs(const StageCosts& stage, OpKind kind, bool lean) {
  switch (kind) {
    case OpKind::kForwardKeep:
      return stage.keep_ms;
    case OpKind::kForwardLean:
      return stage.lean_ms;
    case OpKind::kForwardCheckpoint:
    case OpKind::kForwardNoGrad:
      return stage.forward_ms;
    case OpKind::kBackward:
      return lean ? stage.lean_backward_ms : stage.backward_ms;
  }
  return 0.0;
}

double ScheduleMs(const std::vector<StageCosts>& stages, const Schedule& schedule) {
  std::vector<bool> lean(stages.size(), false);
  double ms = 0.0;
  for (const Op& op : schedule) {
    if (op.kind == OpKind::kForwardLean) lean[op.stage] = true;
    ms += OpMs(stages[op.stage], op.kind, lean[op.stage]);
  }
  return ms;
}

}  // namespace

OptimalSchedules::OptimalSchedules(std::vector<StageCosts> stages, int64_t max_bytes, int num_slots)
    : stages_(std::move(stages)),
      num_stages_(static_cast<int>(stages_.size())),
      num_slots_(num_slots) {
  CHECK(!stages_.empty());
  CHECK_GT(max_bytes, 0);
  CHECK_GT(num_slots, 0);
  slot_bytes_ = (max_bytes - 1) / num_slots + 1;
  num_slots_ = static_cast<int>(max_bytes / slot_bytes_);
  MeasureBoundaries();
  MeasureForms();
  Solve();
}

// Fills stored_bytes_ and run_peak_bytes_. While the input of stage i is stored, the input of
// stage j takes what stages i to j-1 made and j's tuple still holds.
void OptimalSchedules::MeasureBoundaries() {
  const int n = num_stages_;
  stored_bytes_.assign(n, std::vector<int64_t>(n, 0));
  run_peak_bytes_.assign(n, std::vector<int64_t>(n, 0));
  forward_ms_.assign(n + 1, 0.0);
  for (int i = 0; i < n; ++i) {
    forward_ms_[i + 1] = forward_ms_[i] + stages_[i].forward_ms;
    for (int j = i + 1; j < n; ++j) {
      stored_bytes_[i][j] = stages_[j - 1].output_bytes;
      for (int maker = i; maker < j - 1; ++maker) {
        for (const HandedOn& part : stages_[maker].handed_on) {
          if (part.last_reader >= j) stored_bytes_[i][j] += part.bytes;
        }
      }
      const StageCosts& last_run = stages_[j - 1];
      const int64_t peak =
          stored_bytes_[i][j - 1] + last_run.output_bytes + last_run.forward_transient_bytes;
      run_peak_bytes_[i][j] = std::max(run_peak_bytes_[i][j - 1], peak);
    }
  }
}

void OptimalSchedules::MeasureForms() {
  forms_.resize(num_stages_);
  for (int i = 0; i < num_stages_; ++i) {
    const StageCosts& stage = stages_[i];
    const bool is_loss = i == num_stages_ - 1;
    const int64_t output_gradient = is_loss ? 0 : stages_[i + 1].gradient_bytes;
    auto add = [&](OpKind op, double ms, int64_t saved, int64_t transient, int64_t back_transient) {
      const int64_t held = saved + stage.output_bytes;
      const int64_t backward = std::max(held + output_gradient, stage.gradient_bytes);
      forms_[i].push_back({op, static_cast<float>(ms), Slots(held), held + transient,
                           Slots(backward + back_transient)});
    };
    add(OpKind::kForwardKeep, stage.keep_ms + stage.backward_ms, stage.keep_bytes,
        stage.keep_transient_bytes, stage.backward_transient_bytes);
    if (stage.lean_bytes < 0 || is_loss) continue;
    add(OpKind::kForwardLean, stage.lean_ms + stage.lean_backward_ms, stage.lean_bytes,
        stage.lean_transient_bytes, stage.lean_backward_transient_bytes);
  }
}

void OptimalSchedules::Solve() {
  const int n = num_stages_;
  costs_.assign(static_cast<size_t>(n) * (n + 1) / 2 * (num_slots_ + 1), kNever);
  first_fit_.assign(static_cast<size_t>(n) * n, num_slots_ + 1);
  for (int first = n - 1; first >= 0; --first) {
    for (int last = first; last < n; ++last) SolveFrom(first, last);
  }
}

// C[m][first][last] from the shorter chains (last..last and first+1.. are solved already).
void OptimalSchedules::SolveFrom(int first, int last) {
  float* best = costs(first, last);
  const int end = num_slots_ + 1;
  for (const Form& form : forms_[first]) {
    const float* inner = first == last ? nullptr : costs(first + 1, last);
    for (int m = MinSlots(form, first, last); m < end; ++m) {
      best[m] = std::min(best[m], form.ms + (inner == nullptr ? 0.0f : inner[m - form.held_slots]));
    }
  }
  for (int at = first + 1; at <= last; ++at) {
    const Split split = MakeSplit(first, at, last);
    // Below `from` one of the two parts does not fit.
    const int from =
        std::max({split.peak_slots, first_fit_[first * num_stages_ + at - 1],
                  std::min(end, split.held_slots + first_fit_[at * num_stages_ + last])});
    if (from >= end) continue;
    TakeFaster(split.ms, costs(at, last) + from - split.held_slots, costs(first, at - 1) + from,
               end - from, best + from);
  }
  const float* fits = std::find_if(best, best + end, [](float time) { return time < kNever; });
  first_fit_[first * num_stages_ + last] = static_cast<int>(fits - best);
}

OptimalSchedules::Split OptimalSchedules::MakeSplit(int first, int at, int last) const {
  const int64_t gradient = last + 1 < num_stages_ ? stages_[last + 1].gradient_bytes : 0;
  return {at, static_cast<float>(forward_ms_[at] - forward_ms_[first]),
          Slots(stored_bytes_[first][at]), Slots(run_peak_bytes_[first][at] + gradient)};
}

// The gradient of `last`'s output waits while the forward pass runs.
int OptimalSchedules::MinSlots(const Form& form, int first, int last) const {
  const int64_t gradient = last + 1 < num_stages_ ? stages_[last + 1].gradient_bytes : 0;
  const int forward = Slots(form.forward_peak_bytes + gradient);
  return std::max({forward, form.backward_peak_slots, first < last ? form.held_slots : 0});
}

// Appends the operations of the cheapest choice for stages first..last. The choice is found again
// from the costs, which saves storing it.
void OptimalSchedules::Emit(int first, int last, int slots, Schedule* schedule) const {
  const Form* form = nullptr;
  std::optional<Split> split;
  float best = kNever;
  for (const Form& candidate : forms_[first]) {
    if (slots < MinSlots(candidate, first, last)) continue;
    const float rest = first == last ? 0.0f : costs(first + 1, last)[slots - candidate.held_slots];
    if (candidate.ms + rest >= best) continue;
    best = candidate.ms + rest;
    form = &candidate;
  }
  for (int at = first + 1; at <= last; ++at) {
    const Split candidate = MakeSplit(first, at, last);
    if (slots < std::max(candidate.peak_slots, candidate.held_slots)) continue;
    const float time =
        candidate.ms + costs(at, last)[slots - candidate.held_slots] + costs(first, at - 1)[slots];
    if (time >= best) continue;
    best = time;
    split = candidate;
  }
  CHECK(best < kNever);
  if (split.has_value()) {
    schedule->push_back({OpKind::kForwardCheckpoint, first});
    for (int i = first + 1; i < split->at; ++i) schedule->push_back({OpKind::kForwardNoGrad, i});
    Emit(split->at, last, slots - split->held_slots, schedule);
    Emit(first, split->at - 1, slots, schedule);
    return;
  }
  schedule->push_back({form->op, first});
  if (first < last) Emit(first + 1, last, slots - form->held_slots, schedule);
  schedule->push_back({OpKind::kBackward, first});
}

TimedSchedule OptimalSchedules::Build(int slots) const {
  TimedSchedule result;
  Emit(0, num_stages_ - 1, slots, &result.schedule);
  result.time_ms = ScheduleMs(stages_, result.schedule);
  result.bytes = slots * slot_bytes_;
  return result;
}

std::optional<TimedSchedule> OptimalSchedules::Fastest(int64_t limit_bytes) const {
  if (limit_bytes < 0) return std::nullopt;
  int slots = static_cast<int>(std::min<int64_t>(limit_bytes / slot_bytes_, num_slots_));
  const float* all = costs(0, num_stages_ - 1);
  if (all[slots] == kNever) return std::nullopt;
  while (slots > 0 && all[slots - 1] <= all[slots]) --slots;
  return Build(slots);
}

std::vector<TimedSchedule> OptimalSchedules::Distinct() const {
  std::vector<TimedSchedule> result;
  for (int64_t limit = int64_t{num_slots_} * slot_bytes_; limit >= 0;) {
    std::optional<TimedSchedule> next = Fastest(limit);
    if (!next.has_value()) break;
    limit = next->bytes - slot_bytes_;
    result.push_back(std::move(*next));
  }
  return result;
}

int OptimalSchedules::Slots(int64_t bytes) const {
  if (bytes <= 0) return 0;
  return static_cast<int>(
      std::min<int64_t>((bytes - 1) / slot_bytes_ + 1, int64_t{num_slots_} + 1));
}

const float* OptimalSchedules::costs(int first, int last) const {
  const size_t row = static_cast<size_t>(first) * (2 * num_stages_ - first + 1) / 2 + last - first;
  return costs_.data() + row * (num_slots_ + 1);
}

float* OptimalSchedules::costs(int first, int last) {
  return const_cast<float*>(std::as_const(*this).costs(first, last));
}

std::vector<TimedSchedule> DistinctSchedules(const std::vector<StageCosts>& stages,
                                             int64_t max_bytes, int num_slots) {
  std::vector<TimedSchedule> all;
  for (; max_bytes > 0; max_bytes /= 2) {
    std::vector<TimedSchedule> found = OptimalSchedules(stages, max_bytes, num_slots).Distinct();
    if (found.empty()) break;
    for (TimedSchedule& one : found) all.push_back(std::move(one));
  }
  // The fastest first; of equal schedules the one with the tightest bytes.
  std::stable_sort(all.begin(), all.end(), [](const TimedSchedule& a, const TimedSchedule& b) {
    return a.time_ms != b.time_ms ? a.time_ms < b.time_ms : a.bytes < b.bytes;
  });
  std::vector<TimedSchedule> distinct;
  for (TimedSchedule& one : all) {
    bool known = false;
    for (auto earlier = distinct.rbegin();
         !known && earlier != distinct.rend() && earlier->time_ms == one.time_ms; ++earlier) {
      known = earlier->schedule == one.schedule;
    }
    if (!known) distinct.push_back(std::move(one));
  }
  return distinct;
}

}  // namespace slimreel
