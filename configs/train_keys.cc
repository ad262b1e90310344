#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

ConfigKey BetasKey(std::array<double, 2>* betas) {
  return CustomKey(
      "train.betas", "[beta1, beta2], each 0 or more and less than 1",
      "adam, adamw: decay of the first and second moments",
      [betas](const YAML::Node& value) -> absl::Status {
        if (!value.IsSequence() || value.size() != 2) return NotAllowed(value, "two numbers");
        const Bounds bounds{0, 1, false, true};
        SLIMREEL_ASSIGN_OR_RETURN(const double beta1, ParseFloat(value[0], bounds));
        SLIMREEL_ASSIGN_OR_RETURN(const double beta2, ParseFloat(value[1], bounds));
        *betas = {beta1, beta2};
        return absl::OkStatus();
      },
      [betas] {
        return YamlList({YamlFloat((*betas)[0]), YamlFloat((*betas)[1])});
      });
}

ConfigKey ClassWeightsKey(std::vector<double>* weights) {
  return CustomKey(
      "train.class_weights", "a list of numbers, 0 or more, one per class, or none",
      "Weight of each class in the loss",
      [weights](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(const std::vector<std::string> items, ParseTextList(value));
        std::vector<double> parsed;
        for (const std::string& item : items) {
          SLIMREEL_ASSIGN_OR_RETURN(parsed.emplace_back(),
                                    ParseFloat(YAML::Node(item), AtLeast(0)));
        }
        *weights = std::move(parsed);
        return absl::OkStatus();
      },
      [weights] {
        std::vector<std::string> items;
        for (double weight : *weights) items.push_back(YamlFloat(weight));
        return items.empty() ? std::string("none") : YamlList(items);
      },
      {"none"});
}

void AddOptimizerKeys(TrainOptions* train, std::vector<ConfigKey>* keys) {
  keys->push_back(FloatKey("train.lr", &train->lr, AtLeast(0), "Peak learning rate"));
  keys->push_back(
      IntKey("train.lr_reference_batch", &train->lr_reference_batch, AtLeast(1), "none",
             "Effective batch that lr is meant for: lr is multiplied by the run's effective "
             "batch / this; none: lr as it is"));
  keys->push_back(
      EnumKey("train.optimizer", &train->optimizer, {"adamw", "sgd", "adam"},
              "Optimizer with fused kernels; adam and adamw keep two states per parameter"));
  keys->push_back(FloatKey("train.weight_decay", &train->weight_decay, AtLeast(0),
                           "Weight decay: decoupled with adamw, L2 with sgd and adam"));
  keys->push_back(
      FloatKey("train.momentum", &train->momentum, {0, 1, false, true}, "sgd: momentum"));
  keys->push_back(BetasKey(&train->betas));
  keys->push_back(
      FloatKey("train.eps", &train->eps, MoreThan(0), "adam, adamw: added to the denominator"));
  keys->push_back(BoolKey("train.no_decay_norm_and_bias", &train->no_decay_norm_and_bias,
                          "No weight decay for norms and biases"));
  keys->push_back(FloatKey("train.layer_decay", &train->layer_decay, {0, 1, true, false},
                           "Factor of lr for each layer below the head"));
  keys->push_back(EnumKey("train.schedule", &train->schedule,
                          {"constant", "linear", "cosine", "step"},
                          "Schedule of the learning rate"));
  keys->push_back(IntKey("train.warmup_steps", &train->warmup_steps, AtLeast(0),
                         "Steps of linear warm-up; the first has 1 / warmup_steps of the rate"));
  keys->push_back(IntKey("train.step_size", &train->step_size, AtLeast(1), "none",
                         "With schedule step: steps between drops; none: a third of the run"));
  keys->push_back(FloatKey("train.gamma", &train->gamma, {0, 1, true, false},
                           "With schedule step: factor of each drop"));
}

}  // namespace

std::vector<ConfigKey> TrainKeys(TrainOptions* train) {
  std::vector<ConfigKey> keys;
  keys.push_back(IntKey("train.accumulate_grad_batches", &train->accumulate_grad_batches,
                        Between(1, 1 << 20), "Micro-batches per optimizer step"));
  keys.push_back(IntKey("train.effective_batch_size", &train->effective_batch_size,
                        Between(1, 1 << 24), "none",
                        "Samples per optimizer step, a multiple of data.batch_size; replaces "
                        "accumulate_grad_batches"));
  keys.push_back(
      IntKey("train.max_epochs", &train->max_epochs, AtLeast(1),
             "Epochs of the run; it ends at this or at max_steps, whichever comes first"));
  keys.push_back(IntKey("train.max_steps", &train->max_steps, AtLeast(1), "none",
                        "Optimizer steps of the run; none: no limit"));
  AddOptimizerKeys(train, &keys);
  keys.push_back(FloatKey("train.clip_grad_norm", &train->clip_grad_norm, MoreThan(0), "none",
                          "Largest L2 norm of all gradients, to which they are scaled down; the "
                          "norm is always logged"));
  keys.push_back(FloatKey("train.label_smoothing", &train->label_smoothing, {0, 1, false, true},
                          "Share of the target that is spread over all classes"));
  keys.push_back(ClassWeightsKey(&train->class_weights));
  return keys;
}

}  // namespace slimreel
