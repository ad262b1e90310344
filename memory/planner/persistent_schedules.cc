#include "memory/planner/persistent_schedules.h"

#include <algorithm>
#include <utility>

namespace slimreel {
namespace {

enum class Graph { kNone, kKeep, kLean };

// Lists schedules by trying every operation that may come next.
class Lister {
 public:
  explicit Lister(const std::vector<StageCosts>& stages)
      : stages_(stages), num_stages_(static_cast<int>(stages.size())) {}

  std::vector<Schedule> List() {
    State start;
    start.stored.assign(num_stages_ + 1, false);
    start.graph.assign(num_stages_, false);
    start.stored[0] = true;
    start.next_backward = num_stages_ - 1;
    Continue(start);
    return std::move(found_);
  }

 private:
  struct State {
    std::vector<bool> stored;  // inputs that stay until their stage's backward
    std::vector<bool> graph;
    int next_backward = 0;
    int current = 0;  // the stage that runs next
    Schedule done;
  };

  void Continue(const State& state) {
    if (state.next_backward < 0) {
      found_.push_back(state.done);
      return;
    }
    const int stage = state.current;
    TryKept(state, OpKind::kForwardKeep);
    if (stages_[stage].lean_bytes >= 0 && stage != num_stages_ - 1) {
      TryKept(state, OpKind::kForwardLean);
    }
    if (stage == state.next_backward) return;
    TryWithoutGraph(state, OpKind::kForwardCheckpoint);
    if (!state.stored[stage]) TryWithoutGraph(state, OpKind::kForwardNoGrad);
  }

  void TryKept(State state, OpKind kind) {
    const int stage = state.current;
    state.done.push_back({kind, stage});
    state.graph[stage] = true;
    state.stored[stage] = false;  // the graph holds it now
    state.stored[stage + 1] = true;
    state.current = stage + 1;
    if (stage == state.next_backward) {
      while (state.next_backward >= 0 && state.graph[state.next_backward]) {
        state.stored[state.next_backward + 1] = false;
        state.graph[state.next_backward] = false;
        state.done.push_back({OpKind::kBackward, state.next_backward--});
      }
      for (int i = 0; i <= state.next_backward; ++i) {
        if (state.stored[i]) state.current = i;  // the last one wins
      }
    }
    Continue(state);
  }

  void TryWithoutGraph(State state, OpKind kind) {
    state.done.push_back({kind, state.current});
    if (kind == OpKind::kForwardCheckpoint) state.stored[state.current] = true;
    ++state.current;
    Continue(state);
  }

  const std::vector<StageCosts>& stages_;
  const int num_stages_;
  std::vector<Schedule> found_;
};

// One storage of an output: made by `maker`, part of the input tuples of maker + 1 to `last`.
struct Storage {
  int maker;
  int last;
  int64_t bytes;
};

std::vector<Storage> ListStorages(const std::vector<StageCosts>& stages) {
  std::vector<Storage> storages;
  for (int i = 0; i < static_cast<int>(stages.size()); ++i) {
    int64_t rest = stages[i].output_bytes;
    for (const HandedOn& part : stages[i].handed_on) {
      storages.push_back({i, part.last_reader, part.bytes});
      rest -= part.bytes;
    }
    storages.push_back({i, i + 1, rest});
  }
  return storages;
}

class Counter {
 public:
  Counter(const std::vector<StageCosts>& stages, int64_t slot_bytes)
      : stages_(stages),
        slot_bytes_(slot_bytes),
        storages_(ListStorages(stages)),
        stored_(stages.size() + 1, false),
        graph_(stages.size(), Graph::kNone),
        next_backward_(static_cast<int>(stages.size()) - 1) {}

  Replayed Run(const Schedule& schedule) {
    for (const Op& op : schedule) {
      if (op.kind == OpKind::kBackward) {
        Backward(op.stage);
      } else {
        Forward(op);
      }
    }
    return result_;
  }

 private:
  void Forward(const Op& op) {
    const int i = op.stage;
    const StageCosts& stage = stages_[i];
    const bool keep = op.kind == OpKind::kForwardKeep;
    const bool lean = op.kind == OpKind::kForwardLean;
    stored_[i] = op.kind != OpKind::kForwardNoGrad;  // by the checkpoint or by the graph
    int64_t own = stage.output_bytes + Gradient(next_backward_ + 1);
    own += keep   ? stage.keep_bytes + stage.keep_transient_bytes
           : lean ? stage.lean_bytes + stage.lean_transient_bytes
                  : stage.forward_transient_bytes;
    Count(i, own);
    result_.time_ms += keep ? stage.keep_ms : lean ? stage.lean_ms : stage.forward_ms;
    if (keep) graph_[i] = Graph::kKeep;
    if (lean) graph_[i] = Graph::kLean;
  }

  void Backward(int i) {
    const StageCosts& stage = stages_[i];
    const bool lean = graph_[i] == Graph::kLean;
    graph_[i] = Graph::kNone;
    const int64_t starts =
        (lean ? stage.lean_bytes : stage.keep_bytes) + stage.output_bytes + Gradient(i + 1);
    Count(i, std::max(starts, Gradient(i)) +
                 (lean ? stage.lean_backward_transient_bytes : stage.backward_transient_bytes));
    result_.time_ms += lean ? stage.lean_backward_ms : stage.backward_ms;
    stored_[i] = false;
    next_backward_ = i - 1;
  }

  int64_t Gradient(int boundary) const {
    return boundary < static_cast<int>(stages_.size()) ? stages_[boundary].gradient_bytes : 0;
  }

  // Adds up what is stored, the input of `stage` and `own`, the bytes of the running operation.
  void Count(int stage, int64_t own) {
    std::vector<bool> counted(storages_.size(), false);
    int64_t slots = 0;
    for (int i = 0; i <= stage; ++i) {
      if (i == stage && !stored_[i]) own += TakeTuple(i, &counted);
      if (stored_[i]) slots += Round(TakeTuple(i, &counted));
      if (graph_[i] == Graph::kNone) continue;
      const bool lean = graph_[i] == Graph::kLean;
      slots += Round(TakeTuple(i + 1, &counted) +
                     (lean ? stages_[i].lean_bytes : stages_[i].keep_bytes));
    }
    result_.peak_slots = std::max(result_.peak_slots, slots + Round(own));
  }

  // Bytes of the input tuple of stage i that are not counted yet.
  int64_t TakeTuple(int i, std::vector<bool>* counted) const {
    int64_t bytes = 0;
    for (size_t s = 0; s < storages_.size(); ++s) {
      if (storages_[s].maker >= i || storages_[s].last < i || (*counted)[s]) continue;
      (*counted)[s] = true;
      bytes += storages_[s].bytes;
    }
    return bytes;
  }

  int64_t Round(int64_t bytes) const { return bytes <= 0 ? 0 : (bytes - 1) / slot_bytes_ + 1; }

  const std::vector<StageCosts>& stages_;
  const int64_t slot_bytes_;
  const std::vector<Storage> storages_;
  std::vector<bool> stored_;  // input tuples
  std::vector<Graph> graph_;
  int next_backward_;
  Replayed result_;
};

}  // namespace

std::vector<Schedule> AllPersistentSchedules(const std::vector<StageCosts>& stages) {
  return Lister(stages).List();
}

Replayed ReplayInSlots(const std::vector<StageCosts>& stages, const Schedule& schedule,
                       int64_t slot_bytes) {
  return Counter(stages, slot_bytes).Run(schedule);
}

}  // namespace slimreel
