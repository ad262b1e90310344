// Which parameters are trained, and with which weight decay.
//
// Threading: free functions without state.
#ifndef TRAINER_OPTIM_PARAM_GROUPS_H_
#define TRAINER_OPTIM_PARAM_GROUPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "memory/stage/stage.h"

namespace slimreel {

// Parameters that share their hyperparameters. The learning rate of a group is that of the schedule
// times lr_scale.
struct ParamGroup {
  std::vector<NamedTensor> parameters;
  double weight_decay = 0.0;
  double lr_scale = 1.0;
};

// Sets requires_grad to false for every parameter whose key starts with one of `prefixes`, and to
// true for all others. Returns the number of frozen parameters. Errors: InvalidArgument if no key
// starts with a prefix (the message names the nearest one that exists), and if no parameter would
// be left to train.
absl::StatusOr<int64_t> FreezeParameters(const std::vector<NamedTensor>& parameters,
                                         const std::vector<std::string>& prefixes);

// The trainable parameters in groups of equal hyperparameters; the order is kept. With
// no_decay_norm_and_bias, tensors of one dimension (biases, norm scales) and position tables get no
// weight decay, as in VideoMAE's optim_factory.py. lr_scales: one per parameter (LayerLrScales);
// empty: all 1.
std::vector<ParamGroup> MakeParamGroups(const std::vector<NamedTensor>& parameters,
                                        double weight_decay, bool no_decay_norm_and_bias,
                                        const std::vector<double>& lr_scales = {});

}  // namespace slimreel

#endif  // TRAINER_OPTIM_PARAM_GROUPS_H_
