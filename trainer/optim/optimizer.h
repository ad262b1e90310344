// SGD, Adam and AdamW by ATen's fused kernels, with state as named tensors.
//
// Threading: one thread. Ownership: shares the parameters, owns the state.
#ifndef TRAINER_OPTIM_OPTIMIZER_H_
#define TRAINER_OPTIM_OPTIMIZER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configs/train_options.h"
#include "memory/paging/pager.h"
#include "memory/stage/stage.h"
#include "trainer/optim/fused_update.h"
#include "trainer/optim/loss_scale.h"
#include "trainer/optim/param_groups.h"
#include "trainer/optim/state_pages.h"

namespace slimreel {

// See Note [Reserved before the first step] and Note [A step in parts].
class Optimizer {
 public:
  // Creates all state: zeros in the parameters' dtype and on their device. Every parameter must
  // require grad. All parameters must share one dtype and one device. Keys of `options` that count:
  // optimizer; momentum (SGD; 0 keeps no state); betas and eps (Adam, AdamW). The groups give
  // weight decay and rate factors. `loss_scale`: fp16 only.
  Optimizer(const TrainOptions& options, std::vector<ParamGroup> groups,
            const std::optional<LossScaleOptions>& loss_scale = std::nullopt,
            const StatePaging& paging = {});

  // The value that backward starts from: the loss scale, [] float32. Undefined without a loss
  // scale.
  at::Tensor LossGradient() const;

  // Returns the L2 norm of all gradients together: a scalar on the device, so only reading it
  // waits. With a loss scale, the gradients are divided by it first. With a max_norm (> 0) they are
  // then multiplied by min(1, max_norm / (norm + 1e-6)) (torch.nn.utils.clip_grad_norm_).
  // Parameters without a gradient are ignored.
  at::Tensor GlobalNormClip(std::optional<double> max_norm);

  // One update with rate `lr`, times each group's lr_scale. Parameters without a gradient stay as
  // they are. With a loss scale, call GlobalNormClip first; if a gradient is not finite, the step
  // changes only the scale, neither parameters nor other state.
  void Step(double lr);

  // [] float32 on the device: 1 if the last GlobalNormClip found a gradient that is not finite,
  // else 0. Undefined without a loss scale.
  at::Tensor FoundInf() const;

  // Makes all gradients undefined, which frees their memory.
  void ZeroGrad();

  // The parameters that are stepped together, one list per stage (ReleaseGroups). Each parameter
  // must be in exactly one list. No lists: one of all, as at first. With paging: new buffers.
  void SetReleaseGroups(const std::vector<Tensors>& stages);

  // The same update as GlobalNormClip(none) and Step(lr), bit for bit, but in parts: BeginStep,
  // then StepStage of every stage, last to first, then EndStep. Only without a loss scale.
  void BeginStep(double lr);
  // Steps the parameters of one stage and frees their gradients. If it throws, call it again for
  // the same stage: it goes on where it stopped, and updates nothing twice.
  void StepStage(int stage);
  // Returns the L2 norm that all gradients had together: a scalar on the device.
  at::Tensor EndStep();

  // State under stable names: "<parameter key>.exp_avg", ".exp_avg_sq" and ".step" (Adam, AdamW) or
  // ".momentum_buffer" (SGD); "loss_scale.*". The tensors are shared: copying into them restores
  // the optimizer. With paging, those of a parameter's size lie on the host; waits for the device
  // then, and is for the time between two steps.
  const std::vector<NamedTensor>& State() const;
  int64_t StateBytes() const;
  // Moves the state to the host or back, between two steps. Throws c10::OutOfMemoryError.
  void SetPaging(const StatePaging& paging);
  // What the state, with paging's buffers, takes on the device: now, and after SetPaging and
  // SetReleaseGroups.
  int64_t DeviceStateBytes() const;
  int64_t DeviceStateBytes(bool paged, const std::vector<Tensors>& stages) const;
  int64_t HostStateBytes() const { return host_bytes_; }  // of the block that paging takes
  int64_t ReserveBytes() const;  // held between steps for the scratch of an update
  bool is_paged() const { return host_.defined(); }

 private:
  struct Entry {  // a parameter with its state
    at::Tensor parameter;
    at::Tensor exp_avg;  // SGD: the momentum buffer; undefined without momentum
    at::Tensor exp_avg_sq;
    at::Tensor step;  // one float32 element
    int group = 0;
    at::Tensor norm;  // of the gradient that StepStage freed; undefined: there was none
  };
  struct Unit {  // of one stage and one group: one call of a fused kernel
    int group = 0;
    std::vector<StatePiece> pieces;  // whole parameters without paging
    int page = -1;                   // the pager's; -1: no paging
  };
  struct Part {  // what is stepped together
    std::vector<int> entries;
    std::vector<Unit> units;
  };
  struct Progress {  // of the part that is being stepped
    int part = -1;   // none
    bool has_norms = false;
    bool has_counted = false;
    bool has_stepped_unit = false;  // but its page is not on the way back yet
    size_t units = 0;               // done
  };
  void CreateState(const std::vector<NamedTensor>& parameters, const StatePaging& paging);
  at::Tensor HostState(const at::Tensor& host, size_t entry, int state) const;
  int64_t MovedBytes() const;
  std::vector<std::vector<int>> AllInOne() const;
  std::vector<std::vector<int>> PartsOf(const std::vector<Tensors>& stages) const;
  int StatesPerParameter() const;
  void SetParts(std::vector<std::vector<int>> parts);
  std::vector<Unit> MakeUnits(const std::vector<int>& entries, bool paged,
                              std::vector<PageRanges>& pages) const;
  void StepPart(int part);
  void CountSteps(const Part& part, int sign);
  bool StepUnit(const Unit& unit);
  UpdateLists ListsOf(const Unit& unit) const;
  void KeepNorms(const Part& part);
  at::Tensor NormOf(const std::vector<at::Tensor>& norms) const;
  std::vector<at::Tensor> Gradients() const;
  void ReserveScratch();

  TrainOptions options_;
  std::vector<ParamGroup> groups_;  // without their parameters
  std::vector<Entry> entries_;      // in the order of the groups
  std::vector<Part> parts_;
  std::optional<LossScale> loss_scale_;
  std::vector<NamedTensor> state_;
  std::vector<StateItem> items_;  // one per entry
  at::Tensor host_;               // the state's block on the host; undefined without paging
  int64_t host_bytes_ = 0;
  int64_t page_bytes_ = StatePaging().page_bytes;
  std::unique_ptr<Pager> pager_;
  Progress progress_;
  double lr_ = 0.0;     // of this step
  at::Tensor one_;      // [] float32
  at::Tensor reserve_;  // held between steps, released while the optimizer works
};

}  // namespace slimreel

#endif  // TRAINER_OPTIM_OPTIMIZER_H_
