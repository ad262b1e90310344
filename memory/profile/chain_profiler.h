// Measures what each stage of a chain does to memory, on the real device, stage by stage, with the
// code that runs schedules (memory/executor/interpreter.h).
//
// A stage runs alone on zeros of the layout that it gets in a step, so no more than one stage's
// activations live at once. Stages of equal signature and layout are measured once. A cache may
// know what an earlier run measured. Step logs are empty and gradients undefined afterwards.
//
// Threading: one thread, and no other thread may use tensors meanwhile. Ownership: borrows the
// stages and the cache; keeps profiles. A stage without memory (device meta) gets zeros while it is
// measured.
#ifndef MEMORY_PROFILE_CHAIN_PROFILER_H_
#define MEMORY_PROFILE_CHAIN_PROFILER_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "memory/profile/chain_profile.h"
#include "memory/profile/measured_stages.h"
#include "memory/profile/op_recorder.h"
#include "memory/profile/tuple_layout.h"
#include "memory/stage/stage.h"

namespace slimreel {

// Which passes with a graph are wanted of a stage. The others get the traces of one that is.
struct WantedForms {
  bool keep = true;
  bool lean = true;
};

struct ProfileInput {
  int64_t micro_batch = 0;
  // training, targets, loss_denominator, norm_group, autocast: as in a step. first_position: 0.
  StageContext context;
  Tensors inputs;            // of the chain, for one micro-batch; only their layout is used
  at::Tensor loss_gradient;  // as Executor::Run's
  // Several micro-batches make up a step: later ones differ from the first. False saves the time
  // to measure them; their traces are then those of the first.
  bool later_micro_batches = true;
  std::vector<WantedForms> forms;  // one per scheduled stage; empty: all
  // Counts the floating-point operations of forward passes so far; null: they are not counted.
  std::function<int64_t()> flops;
};

// The forms that a schedule uses.
std::vector<WantedForms> FormsOf(const Schedule& schedule);

class ChainProfiler {
 public:
  // `chain` ends with the loss; `frozen_prefix` as Executor's. `cache`: asked before stages are
  // measured and told afterwards; may be null.
  ChainProfiler(std::vector<Stage*> chain, int frozen_prefix, at::Device device,
                ProfileCache* cache = nullptr);

  // Throws what stages throw, c10::OutOfMemoryError among it.
  ChainProfile Profile(const ProfileInput& input);

 private:
  // One stage on the walk through the chain.
  struct Visit {
    Stage* stage = nullptr;
    TupleLayout input;
    std::vector<bool> needs_gradient;
    std::string key;  // equal for stages that do the same work forward
    WantedForms forms;
  };
  // What is known under one set of conditions.
  struct Known {
    MeasuredStages stages;
    size_t num_stored = 0;  // entries that the cache has
  };
  // One forward pass with a graph and its backward pass.
  struct PassRequest {
    bool lean = false;
    bool first_visit = true;
    bool later_micro_batch = false;  // every parameter has a gradient already
    TupleLayout gradient;            // of the output; the loss makes its own
  };
  struct Pass {
    OpTrace forward;
    OpTrace backward;
    TupleLayout input_gradient;
    int64_t forward_flops = 0;
  };

  void Walk(const ProfileInput& input, ChainProfile& result);
  void ReserveLogs(const ProfileInput& input, const Visit& visit) const;
  std::vector<Visit> WalkForward(const ProfileInput& input);
  void WalkBackward(const ProfileInput& input, const std::vector<Visit>& visits,
                    ChainProfile& result);
  MeasuredForward MeasureForward(const ProfileInput& input, const Visit& visit);
  MeasuredPasses MeasurePasses(const ProfileInput& input, const Visit& visit,
                               const TupleLayout& gradient);
  OpTrace RecordForward(const ProfileInput& input, const Visit& visit, bool first_visit,
                        MeasuredForward* facts);
  Pass RecordPass(const ProfileInput& input, const Visit& visit, const PassRequest& request);
  const MeasuredPasses& PassesOf(const ProfileInput& input, const Visit& visit,
                                 const TupleLayout& gradient);
  void AddReleases(const std::vector<Visit>& visits, ChainProfile& result) const;
  void GiveGradients(const Visit& visit, bool all) const;
  std::vector<BlockRef> TakeLearnt(const Visit& visit) const;
  OpTrace TakeTrace(double ms) const;
  bool IsLoss(const Visit& visit) const { return visit.stage == chain_.back(); }
  std::string WalkKey(const ProfileInput& input) const;
  std::string PassKey(const ProfileInput& input, const Visit& visit,
                      const TupleLayout& gradient) const;

  std::vector<Stage*> chain_;
  int frozen_prefix_;
  at::Device device_;
  OpRecorder recorder_;
  ProfileCache* cache_;
  std::map<std::string, Known> known_;  // by the conditions: WalkKey
  MeasuredStages* stages_ = nullptr;    // of known_, on this walk
  // Parameters of which a higher stage has made a gradient on this walk (tied ones).
  std::set<const c10::TensorImpl*> touched_;
  int64_t unexplained_ = 0;  // of the stage that is being measured
};

}  // namespace slimreel

#endif  // MEMORY_PROFILE_CHAIN_PROFILER_H_
