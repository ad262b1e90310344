#include "memory/profile/replay.h"

#include <algorithm>
#include <utility>

namespace slimreel {
namespace {

// Storages with the number of their holders. A storage dies with its last holder.
class Ledger {
 public:
  int Allocate(int64_t bytes) {
    storages_.push_back({bytes, 1});
    live_ += bytes;
    if (live_ > peak_) {
      peak_ = live_;
      peak_is_new_ = true;
    }
    return static_cast<int>(storages_.size()) - 1;
  }
  // Bytes that lived before the step go.
  void Drop(int64_t bytes) { live_ -= bytes; }
  void Hold(int storage) {
    if (storage >= 0) ++storages_[storage].holders;
  }
  void Release(int storage) {
    if (storage >= 0 && --storages_[storage].holders == 0) live_ -= storages_[storage].bytes;
  }
  int64_t bytes(int storage) const { return storages_[storage].bytes; }
  bool IsHeldOnce(int storage) const { return storages_[storage].holders == 1; }
  bool lives(int storage) const { return storages_[storage].holders > 0; }
  int64_t live() const { return live_; }
  int64_t peak() const { return peak_; }
  bool TakePeakIsNew() { return std::exchange(peak_is_new_, false); }

 private:
  struct Storage {
    int64_t bytes;
    int holders;
  };
  std::vector<Storage> storages_;
  int64_t live_ = 0;
  int64_t peak_ = 0;
  bool peak_is_new_ = false;
};

using Tuple = std::vector<int>;  // storages; -1: external

void HoldAll(const Tuple& tuple, Ledger& ledger) {
  for (int storage : tuple) ledger.Hold(storage);
}
void ReleaseAll(Tuple& tuple, Ledger& ledger) {
  for (int storage : tuple) ledger.Release(storage);
  tuple.clear();
}

// The blocks that one running operation holds.
class RunningOp {
 public:
  RunningOp(const OpTrace& trace, Tuple input, Tuple saved, Tuple gradient, Ledger& ledger)
      : trace_(trace),
        ledger_(ledger),
        input_(std::move(input)),
        saved_(std::move(saved)),
        gradient_(std::move(gradient)) {}

  template <typename AfterEvent>
  void Play(AfterEvent&& after) {
    for (const TraceEvent& event : trace_.events) {
      if (event.bytes > 0) {
        local_.push_back(ledger_.Allocate(event.bytes));
      } else {
        int& storage = Find(event.block);
        ledger_.Release(storage);
        storage = -1;
      }
      after();
    }
  }
  // A hold on each of these blocks, for whoever takes them over.
  Tuple Take(const std::vector<BlockRef>& blocks) {
    Tuple tuple;
    for (const BlockRef& block : blocks) {
      tuple.push_back(block.space == BlockSpace::kExternal ? -1 : Find(block));
    }
    HoldAll(tuple, ledger_);
    return tuple;
  }
  void End() {
    for (Tuple* tuple : {&local_, &input_, &saved_, &gradient_}) ReleaseAll(*tuple, ledger_);
  }

 private:
  int& Find(const BlockRef& block) {
    switch (block.space) {
      case BlockSpace::kLocal:
        return local_[block.index];
      case BlockSpace::kInput:
        return input_[block.index];
      case BlockSpace::kSaved:
        return saved_[block.index];
      default:
        return gradient_[block.index];
    }
  }

  const OpTrace& trace_;
  Ledger& ledger_;
  Tuple local_;
  Tuple input_;
  Tuple saved_;
  Tuple gradient_;
};

// Stage inputs on the host, placed as memory/paging/offload_stack.h places them.
class HostStack {
 public:
  // Returns the number of the place.
  int64_t Push(int64_t bytes) {
    const int64_t end = places_.empty() ? 0 : places_.back().end;
    const int64_t first = (end + kAlignment - 1) / kAlignment * kAlignment;
    places_.push_back({first, first + bytes});
    peak_ = std::max(peak_, first + bytes);
    return first;
  }
  // Returns the bytes that were there.
  int64_t Pop(int64_t first) {
    const auto place = std::find_if(places_.begin(), places_.end(),
                                    [&](const Place& at) { return at.first == first; });
    const int64_t bytes = place->end - place->first;
    places_.erase(place);
    return bytes;
  }
  int64_t peak() const { return peak_; }

 private:
  static constexpr int64_t kAlignment = 64;
  struct Place {
    int64_t first, end;
  };
  std::vector<Place> places_;
  int64_t peak_ = 0;
};

class StepReplay {
 public:
  using At = std::function<void(size_t, size_t, int64_t)>;
  StepReplay(const Schedule& schedule, const ReplayOptions& options, const At* at)
      : schedule_(schedule), options_(options), at_(at), read_(OutputsRead(schedule)) {}

  void Run(const ChainProfile& profile) {
    Begin(profile);
    for (operation_ = 0; operation_ < schedule_.size(); ++operation_) {
      const Op& op = schedule_[operation_];
      if (op.kind == OpKind::kBackward) {
        Backward(profile, op);
      } else {
        Forward(profile, op, read_[operation_]);
      }
    }
    End();
  }

  ReplayPeak peak() const {
    ReplayPeak peak = peak_;
    peak.bytes = ledger_.peak();
    peak.ms = ms_;
    peak.offloaded_bytes = host_.peak();
    return peak;
  }

 private:
  void Begin(const ChainProfile& profile) {
    const size_t num_stages = profile.stages.size();
    values_.assign(num_stages + 1, {});
    graphs_.assign(num_stages, {});
    offloaded_.assign(num_stages + 1, {});
    lean_.assign(num_stages, false);
    visited_.assign(num_stages, false);
    operation_ = 0;
    inputs_.clear();
    for (int64_t bytes : profile.input_bytes) {
      const bool counted = options_.inputs != InputLife::kElsewhere;
      values_[0].push_back(counted ? ledger_.Allocate(bytes) : -1);
      if (counted) inputs_.push_back(values_[0].back());
    }
    if (options_.inputs == InputLife::kMicroBatch) HoldAll(inputs_, ledger_);
    Note();
    for (const auto& stage : profile.prefix) {
      values_[0] = Visit(stage->nograd[kFirst], std::exchange(values_[0], {}), {});
    }
  }

  // Runs a forward pass that needs no graph; returns its output.
  Tuple Visit(const OpTrace& trace, Tuple in, Tuple gradient) {
    RunningOp op(trace, std::move(in), {}, std::move(gradient), ledger_);
    op.Play([this] { Note(); });
    Tuple out = op.Take(trace.outputs);
    op.End();
    ms_ += trace.ms;
    return out;
  }

  void Forward(const ChainProfile& profile, const Op& op, bool output_read) {
    const int i = op.stage;
    const int visit = visited_[i] ? kLater : kFirst;
    visited_[i] = true;
    const bool with_graph = op.kind == OpKind::kForwardKeep || op.kind == OpKind::kForwardLean;
    const StageProfile& stage = *profile.stages[i];
    const OpTrace& trace = TraceOf(stage, op.kind, visit);
    BringBack(i);
    Tuple in = values_[i];
    if (op.kind == OpKind::kForwardCheckpoint) {
      HoldAll(in, ledger_);
    } else {
      values_[i].clear();
    }
    RunningOp running(trace, std::move(in), {}, {}, ledger_);
    running.Play([this] { Note(); });
    Tuple out = running.Take(trace.outputs);
    if (with_graph) {
      graphs_[i] = running.Take(trace.saved);
      lean_[i] = op.kind == OpKind::kForwardLean && stage.has_lean;
    }
    if (!trace.seeded.empty()) gradients_ = running.Take(trace.seeded);
    running.End();
    ms_ += trace.ms;
    if (i + 1 == static_cast<int>(profile.stages.size()) && visit == kFirst) {
      outputs_ = out;
      HoldAll(outputs_, ledger_);
    }
    if (output_read) {
      values_[i + 1] = std::move(out);
    } else {
      ReleaseAll(out, ledger_);
    }
    if (op.kind == OpKind::kForwardCheckpoint && options_.offload_inputs) {
      const auto& below = i > 0 ? profile.stages : profile.prefix;
      Offload(i, below.empty() ? profile.input_can_wait
                               : below[i > 0 ? i - 1 : below.size() - 1]->output_can_wait);
    }
  }

  // What somebody else holds too stays.
  void Offload(int i, const std::vector<bool>& can_wait) {
    for (size_t k = 0; k < values_[i].size(); ++k) {
      int& storage = values_[i][k];
      const bool waits = k < can_wait.size() && can_wait[k];
      if (storage < 0 || !waits || !ledger_.IsHeldOnce(storage)) continue;
      offloaded_[i].push_back({k, host_.Push(ledger_.bytes(storage))});
      ledger_.Release(std::exchange(storage, -1));
    }
  }

  void BringBack(int i) {
    for (const auto& [k, place] : offloaded_[i]) {
      values_[i][k] = ledger_.Allocate(host_.Pop(place));
      Note();
    }
    offloaded_[i].clear();
  }

  void Backward(const ChainProfile& profile, const Op& op) {
    const StageProfile& stage =
        *(options_.release ? profile.releasing_stages : profile.stages)[op.stage];
    const TracePair& pair = lean_[op.stage] ? stage.backward_lean : stage.backward_keep;
    const OpTrace& trace = pair[first_ ? kFirst : kLater];
    RunningOp running(trace, {}, std::exchange(graphs_[op.stage], {}),
                      std::exchange(gradients_, {}), ledger_);
    running.Play([this] { Note(); });
    gradients_ = running.Take(trace.outputs);
    const Tuple learnt = running.Take(trace.learnt);
    for (int storage : learnt) {
      if (storage >= 0) learnt_bytes_ += ledger_.bytes(storage);
    }
    running.End();
    ms_ += trace.ms;
    if (options_.release) Release(profile.released_after[op.stage], op.stage, learnt);
  }

  // What trainer/optim/optimizer.h does after the backward of a stage, and what
  // memory/executor/releasing_run.h keeps until the next one has ended.
  void Release(const std::vector<int>& released_after, int stage, const Tuple& learnt) {
    // Gradients that no parameter is known of live on, so that the peak is never below.
    if (learnt.size() == released_after.size()) {
      for (size_t n = 0; n < learnt.size(); ++n) waiting_.push_back({learnt[n], released_after[n]});
    }
    const auto num_updated = std::count(released_after.begin(), released_after.end(), stage);
    Tuple below;
    if (has_released_ || num_updated > 0) {
      below = gradients_;
      HoldAll(below, ledger_);
    }
    ReleaseAll(held_, ledger_);
    held_ = std::move(below);
    if (num_updated == 0) return;
    if (!std::exchange(has_released_, true)) {
      ledger_.Drop(options_.release->reserve);
      update_bytes_ -= options_.release->reserve;
    }
    for (int64_t n = 0; n < num_updated; ++n) ledger_.Allocate(options_.release->norm);
    update_bytes_ += num_updated * options_.release->norm;
    std::erase_if(waiting_, [&](const auto& gradient) {
      if (gradient.second != stage) return false;
      learnt_bytes_ -= ledger_.bytes(gradient.first);
      ledger_.Release(gradient.first);
      return true;
    });
  }

  // The loss of the effective batch is summed as trainer/loop/train_step.cc does.
  void End() {
    ReleaseAll(gradients_, ledger_);
    ReleaseAll(held_, ledger_);
    for (Tuple& value : values_) ReleaseAll(value, ledger_);
    if (!outputs_.empty() && outputs_[0] >= 0) {
      if (first_) {
        loss_ = outputs_[0];
        ledger_.Hold(loss_);
      } else {
        const int sum = ledger_.Allocate(ledger_.bytes(outputs_[0]));
        Note();
        ledger_.Release(loss_);
        loss_ = sum;
      }
    }
    ReleaseAll(outputs_, ledger_);
    if (options_.inputs == InputLife::kMicroBatch) ReleaseAll(inputs_, ledger_);
    first_ = false;
    ++micro_batch_;
  }

  void Note() {
    if (at_ != nullptr) (*at_)(micro_batch_, operation_, ledger_.live());
    if (!ledger_.TakePeakIsNew()) return;
    peak_.gradient_bytes = learnt_bytes_;
    peak_.input_bytes = 0;
    for (int storage : inputs_) {
      if (ledger_.lives(storage)) peak_.input_bytes += ledger_.bytes(storage);
    }
    peak_.update_bytes = update_bytes_;
    peak_.micro_batch = micro_batch_;
    peak_.operation = operation_;
  }

  const Schedule& schedule_;
  const ReplayOptions options_;
  const At* const at_;
  const std::vector<bool> read_;
  Ledger ledger_;
  ReplayPeak peak_;
  double ms_ = 0.0;
  bool first_ = true;  // the first micro-batch
  size_t micro_batch_ = 0;
  size_t operation_ = 0;
  int64_t learnt_bytes_ = 0;
  int loss_ = -1;
  bool has_released_ = false;
  int64_t update_bytes_ = 0;
  Tuple held_;
  std::vector<std::pair<int, int>> waiting_;  // gradients, and the stage after which they go
  std::vector<Tuple> values_;
  std::vector<Tuple> graphs_;
  std::vector<std::vector<std::pair<size_t, int64_t>>> offloaded_;  // per value: slot, place
  HostStack host_;
  std::vector<bool> lean_;
  std::vector<bool> visited_;
  Tuple gradients_;
  Tuple outputs_;
  Tuple inputs_;  // those that count, of the micro-batch
};

ReplayPeak Replay(const Schedule& schedule, const std::vector<const ChainProfile*>& profiles,
                  const ReplayOptions& options, const StepReplay::At* at) {
  StepReplay replay(schedule, options, at);
  for (const ChainProfile* profile : profiles) replay.Run(*profile);
  return replay.peak();
}

}  // namespace

ReplayPeak ReplayStep(const Schedule& schedule, const std::vector<const ChainProfile*>& profiles,
                      const ReplayOptions& options) {
  return Replay(schedule, profiles, options, nullptr);
}

void ReplayStep(const Schedule& schedule, const std::vector<const ChainProfile*>& profiles,
                const ReplayOptions& options,
                const std::function<void(size_t, size_t, int64_t)>& at) {
  Replay(schedule, profiles, options, &at);
}

int64_t ReplayForward(const ChainProfile& profile, const ReplayOptions& options) {
  Ledger ledger;
  Tuple value;
  for (int64_t bytes : profile.input_bytes) {
    value.push_back(options.inputs == InputLife::kElsewhere ? -1 : ledger.Allocate(bytes));
  }
  const auto visit = [&](const OpTrace& trace) {
    RunningOp op(trace, std::exchange(value, {}), {}, {}, ledger);
    op.Play([] {});
    value = op.Take(trace.outputs);
    op.End();
  };
  for (const auto& stage : profile.prefix) visit(stage->nograd[kFirst]);
  for (size_t i = 0; i + 1 < profile.stages.size(); ++i) visit(profile.stages[i]->nograd[kFirst]);
  return ledger.peak();
}

}  // namespace slimreel
