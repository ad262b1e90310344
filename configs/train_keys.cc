#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

ConfigKey BetasKey(std::array<double, 2>* betas) {
  return CustomKey(
      "train.betas", "[beta1, beta2], each 0 or more and less than 1", "adam, adamw",
      [betas](const YAML::Node& value) -> absl::Status {
        constexpr char kAllowed[] = "[beta1, beta2], each 0 or more and less than 1";
        if (!value.IsSequence() || value.size() != 2) return NotAllowed(value, kAllowed);
        const Bounds bounds{0, 1, false, true};
        for (size_t i = 0; i < 2; ++i) {
          SLIMREEL_ASSIGN_OR_RETURN((*betas)[i], ParseFloat(value[i], bounds));
        }
        return absl::OkStatus();
      },
      [betas] {
        return YamlList({YamlFloat((*betas)[0]), YamlFloat((*betas)[1])});
      });
}

ConfigKey ClassWeightsKey(std::vector<double>* weights) {
  return CustomKey(
      "train.class_weights", "list of numbers, 0 or more, one per class, or none",
      "weight of each class in the loss",
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
      });
}

// As Lightning reads it: 10 is ten batches, 0.1 a tenth, 1.0 all.
ConfigKey LimitKey(std::string name, BatchLimit* limit, std::string meaning) {
  return CustomKey(
      std::move(name), "whole number of batches, 1 or more, or share, 0.0 to 1.0",
      std::move(meaning),
      [limit](const YAML::Node& value) -> absl::Status {
        if (const absl::StatusOr<int64_t> batches = ParseInt(value, AtLeast(1)); batches.ok()) {
          *limit = {.batches = *batches};
          return absl::OkStatus();
        }
        const absl::StatusOr<double> fraction = ParseFloat(value, {0, 1, true, false});
        if (!fraction.ok()) {
          return NotAllowed(value, "a whole number, 1 or more, or a share, more than 0 to 1.0");
        }
        *limit = {.batches = {}, .fraction = *fraction};
        return absl::OkStatus();
      },
      [limit] {
        if (limit->batches.has_value()) return std::to_string(*limit->batches);
        return limit->fraction == 1.0 ? std::string("1.0") : YamlFloat(limit->fraction);
      });
}

ConfigKey DeviceKey(std::string* device) {
  return CustomKey(
      "trainer.device", "auto | cpu | cuda | cuda:i", "where the step runs",
      [device](const YAML::Node& value) -> absl::Status {
        const std::string text = value.IsScalar() ? value.Scalar() : "";
        const bool numbered = text.size() > 5 && text.size() <= 8 && text.rfind("cuda:", 0) == 0 &&
                              text.find_first_not_of("0123456789", 5) == std::string::npos;
        if (text != "auto" && text != "cpu" && text != "cuda" && !numbered) {
          return NotAllowed(value, "auto, cpu, cuda or cuda:i");
        }
        *device = text;
        return absl::OkStatus();
      },
      [device] { return YamlText(*device); });
}

ConfigKey ProgressKey(bool* progress) {
  return CustomKey(
      "trainer.progress", "auto | off", "progress line on standard error",
      [progress](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(const size_t word,
                                  ParseWord(value, {"auto", "off"},
                                            {{"on", "auto"}, {"true", "auto"}, {"false", "off"}}));
        *progress = word == 0;
        return absl::OkStatus();
      },
      [progress] { return std::string(*progress ? "auto" : "off"); });
}

void AddOptimizerKeys(TrainOptions* train, std::vector<ConfigKey>* keys) {
  keys->push_back(FloatKey("train.lr", &train->lr, AtLeast(0), "peak learning rate"));
  keys->push_back(IntKey("train.lr_reference_batch", &train->lr_reference_batch, AtLeast(1), "none",
                         "lr is scaled by effective batch / this"));
  keys->push_back(EnumKey("train.optimizer", &train->optimizer, {"adamw", "sgd", "adam"},
                          "fused kernels; adam and adamw keep two states per parameter"));
  keys->push_back(FloatKey("train.weight_decay", &train->weight_decay, AtLeast(0), ""));
  keys->back().meaning = "decoupled with adamw, L2 with sgd and adam";
  keys->push_back(FloatKey("train.momentum", &train->momentum, {0, 1, false, true}, "sgd"));
  keys->push_back(BetasKey(&train->betas));
  keys->push_back(FloatKey("train.eps", &train->eps, MoreThan(0), "adam, adamw"));
  keys->push_back(BoolKey("train.no_decay_norm_and_bias", &train->no_decay_norm_and_bias,
                          "no weight decay for norms and biases"));
  keys->push_back(FloatKey("train.layer_decay", &train->layer_decay, {0, 1, true, false},
                           "factor of lr per layer below the head"));
  keys->push_back(EnumKey("train.schedule", &train->schedule,
                          {"constant", "linear", "cosine", "step"}, "of the learning rate"));
  keys->push_back(
      IntKey("train.warmup_steps", &train->warmup_steps, AtLeast(0), "steps of linear warm-up"));
  keys->push_back(IntKey("train.step_size", &train->step_size, AtLeast(1), "none",
                         "schedule step: steps between drops; none: a third of the run"));
  keys->push_back(FloatKey("train.gamma", &train->gamma, {0, 1, true, false},
                           "schedule step: factor of each drop"));
}

}  // namespace

std::vector<ConfigKey> TrainKeys(TrainOptions* train) {
  std::vector<ConfigKey> keys;
  keys.push_back(IntKey("train.accumulate_grad_batches", &train->accumulate_grad_batches,
                        Between(1, 1 << 20), "micro-batches per optimizer step"));
  keys.push_back(IntKey("train.effective_batch_size", &train->effective_batch_size,
                        Between(1, 1 << 24), "none",
                        "wins over accumulate_grad_batches; a multiple of data.batch_size"));
  keys.push_back(IntKey("train.max_epochs", &train->max_epochs, AtLeast(1),
                        "this or max_steps, whichever comes first"));
  keys.push_back(
      IntKey("train.max_steps", &train->max_steps, AtLeast(1), "none", "optimizer steps"));
  AddOptimizerKeys(train, &keys);
  keys.push_back(FloatKey("train.clip_grad_norm", &train->clip_grad_norm, MoreThan(0), "none",
                          "L2 over all parameters; the norm is logged either way"));
  keys.push_back(FloatKey("train.label_smoothing", &train->label_smoothing, {0, 1, false, true},
                          "share of the target spread over all classes"));
  keys.push_back(ClassWeightsKey(&train->class_weights));
  return keys;
}

std::vector<ConfigKey> TrainerKeys(TrainerOptions* trainer, EvaluationOptions* evaluation,
                                   CheckpointOptions* checkpoint) {
  std::vector<ConfigKey> keys;
  keys.push_back(EnumKey("trainer.precision", &trainer->precision, {"32", "16", "bf16", "64"},
                         "16, bf16: mixed, weights stay float32; 64: twice the memory, for tests",
                         {{"16-mixed", "16"}, {"bf16-mixed", "bf16"}, {"32-true", "32"}}));
  keys.push_back(DeviceKey(&trainer->device).KeepsResult());
  keys.push_back(LimitKey("trainer.limit_train_batches", &trainer->limit_train_batches,
                          "batches per epoch, for quick tests"));
  keys.push_back(LimitKey("trainer.limit_val_batches", &trainer->limit_val_batches,
                          "batches per evaluation, for quick tests")
                     .KeepsResult());
  keys.push_back(IntKey("trainer.log_every_steps", &trainer->log_every_steps, AtLeast(1),
                        "steps between log lines")
                     .KeepsResult());
  keys.push_back(ProgressKey(&trainer->progress).KeepsResult());
  keys.push_back(BoolKey("trainer.deterministic", &trainer->deterministic,
                         "on CUDA: the same bits each run, by slower kernels")
                     .KeepsResult());
  keys.push_back(
      EnumKey("trainer.strategy", &trainer->strategy, {"ddp", "zero1"}, "over several devices")
          .Later()
          .KeepsResult());
  keys.push_back(EnumKey("evaluation.strategy", &evaluation->strategy, {"no", "epoch", "steps"},
                         "when to evaluate", {{"none", "no"}, {"false", "no"}}));
  keys.push_back(IntKey("evaluation.every_steps", &evaluation->every_steps, AtLeast(1), "none",
                        "of strategy steps"));
  keys.push_back(IntKey("evaluation.num_clips", &evaluation->num_clips, Between(1, 100),
                        "clips per video, logits averaged"));
  keys.push_back(IntKey("evaluation.generation_max_length", &evaluation->generation_max_length,
                        Between(1, 4096), "speech: tokens")
                     .Later());
  keys.push_back(
      IntKey("evaluation.num_beams", &evaluation->num_beams, Between(1, 64), "speech: beams")
          .Later());
  keys.push_back(TextKey("evaluation.metric", &evaluation->metric, "none",
                         "which metric decides `best`; none: the task's"));
  keys.push_back(IntKey("checkpoint.every_steps", &checkpoint->every_steps, AtLeast(1), "none",
                        "steps between checkpoints"));
  keys.push_back(FloatKey("checkpoint.every_minutes", &checkpoint->every_minutes, MoreThan(0),
                          "none", "minutes between checkpoints"));
  keys.push_back(IntKey("checkpoint.keep", &checkpoint->keep, AtLeast(1),
                        "newest checkpoints that stay; best stays besides"));
  for (ConfigKey& key : keys) {
    if (key.name.rfind("trainer.", 0) != 0) key.KeepsResult();
  }
  return keys;
}

}  // namespace slimreel
