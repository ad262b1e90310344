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
  void Hold(int storage) {
    if (storage >= 0) ++storages_[storage].holders;
  }
  void Release(int storage) {
    if (storage >= 0 && --storages_[storage].holders == 0) live_ -= storages_[storage].bytes;
  }
  int64_t bytes(int storage) const { return storages_[storage].bytes; }
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
        Backward(*profile.stages[op.stage], op);
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
    return peak;
  }

 private:
  void Begin(const ChainProfile& profile) {
    const size_t num_stages = profile.stages.size();
    values_.assign(num_stages + 1, {});
    graphs_.assign(num_stages, {});
    lean_.assign(num_stages, false);
    visited_.assign(num_stages, false);
    operation_ = 0;
    inputs_live_ = 0;
    for (int64_t bytes : profile.input_bytes) {
      values_[0].push_back(options_.inputs_counted_elsewhere ? -1 : ledger_.Allocate(bytes));
      if (!options_.inputs_counted_elsewhere) inputs_live_ += bytes;
    }
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
  }

  void Backward(const StageProfile& stage, const Op& op) {
    const TracePair& pair = lean_[op.stage] ? stage.backward_lean : stage.backward_keep;
    const OpTrace& trace = pair[first_ ? kFirst : kLater];
    RunningOp running(trace, {}, std::exchange(graphs_[op.stage], {}),
                      std::exchange(gradients_, {}), ledger_);
    running.Play([this] { Note(); });
    gradients_ = running.Take(trace.outputs);
    for (int storage : running.Take(trace.learnt)) {
      if (storage >= 0) learnt_bytes_ += ledger_.bytes(storage);
    }
    running.End();
    ms_ += trace.ms;
  }

  // The loss of the effective batch is summed as trainer/loop/train_step.cc does.
  void End() {
    ReleaseAll(gradients_, ledger_);
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
    first_ = false;
    ++micro_batch_;
  }

  void Note() {
    if (at_ != nullptr) (*at_)(micro_batch_, operation_, ledger_.live());
    if (!ledger_.TakePeakIsNew()) return;
    peak_.gradient_bytes = learnt_bytes_;
    peak_.input_bytes = inputs_live_;
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
  int64_t inputs_live_ = 0;
  int loss_ = -1;
  std::vector<Tuple> values_;
  std::vector<Tuple> graphs_;
  std::vector<bool> lean_;
  std::vector<bool> visited_;
  Tuple gradients_;
  Tuple outputs_;
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
    value.push_back(options.inputs_counted_elsewhere ? -1 : ledger.Allocate(bytes));
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
