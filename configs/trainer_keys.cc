// The sections `trainer`, `evaluation` and `checkpoint`.
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

// Reads limits as Lightning does: 10 is ten batches, 0.1 is a tenth, 1.0 is all.
ConfigKey LimitKey(std::string name, BatchLimit* limit, std::string meaning) {
  return CustomKey(
      std::move(name),
      "a whole number of batches, 1 or more, or a share, more than 0 and at most 1.0",
      std::move(meaning),
      [limit](const YAML::Node& value) -> absl::Status {
        if (const absl::StatusOr<int64_t> batches = ParseInt(value, AtLeast(1)); batches.ok()) {
          *limit = {.batches = *batches};
          return absl::OkStatus();
        }
        SLIMREEL_ASSIGN_OR_RETURN(const double fraction, ParseFloat(value, {0, 1, true, false}));
        *limit = {.batches = {}, .fraction = fraction};
        return absl::OkStatus();
      },
      [limit] {
        if (limit->batches.has_value()) return std::to_string(*limit->batches);
        return limit->fraction == 1.0 ? std::string("1.0") : YamlFloat(limit->fraction);
      });
}

ConfigKey DeviceKey(std::string* device) {
  return CustomKey(
      "trainer.device", "auto | cpu | cuda | cuda:i", "Device that the step runs on",
      [device](const YAML::Node& value) -> absl::Status {
        const std::string text = value.IsScalar() ? value.Scalar() : "";
        const bool numbered = text.size() > 5 && text.size() <= 8 && text.rfind("cuda:", 0) == 0 &&
                              text.find_first_not_of("0123456789", 5) == std::string::npos;
        if (text != "auto" && text != "cpu" && text != "cuda" && !numbered) {
          return NotAllowed(value, "a device");
        }
        *device = text;
        return absl::OkStatus();
      },
      [device] { return YamlText(*device); }, {"auto", "cpu", "cuda"});
}

ConfigKey ProgressKey(bool* progress) {
  return CustomKey(
      "trainer.progress", "auto | off", "Progress line on standard error",
      [progress](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(const size_t word,
                                  ParseWord(value, {"auto", "off"},
                                            {{"on", "auto"}, {"true", "auto"}, {"false", "off"}}));
        *progress = word == 0;
        return absl::OkStatus();
      },
      [progress] { return std::string(*progress ? "auto" : "off"); }, {"auto", "off"});
}

ConfigKey MetricKey(std::string* metric) {
  const std::vector<std::string>& names = BestMetricNames();
  return CustomKey(
      "evaluation.metric", absl::StrCat(WordList(names), ", or none"),
      "Metric that decides which checkpoint is `best`; none: the metric of the task",
      [metric, &names](const YAML::Node& value) -> absl::Status {
        if (IsNone(value)) {
          metric->clear();
          return absl::OkStatus();
        }
        SLIMREEL_ASSIGN_OR_RETURN(const size_t word, ParseWord(value, names, {}));
        *metric = names[word];
        return absl::OkStatus();
      },
      [metric] { return metric->empty() ? std::string("none") : *metric; }, names);
}

}  // namespace

std::vector<ConfigKey> TrainerKeys(TrainerOptions* trainer) {
  std::vector<ConfigKey> keys;
  keys.push_back(
      EnumKey("trainer.precision", &trainer->precision, {"32", "16", "bf16", "64"},
              "Precision; 16, bf16: mixed, weights stay float32; 64: twice the memory, for tests",
              {{"16-mixed", "16"}, {"bf16-mixed", "bf16"}, {"32-true", "32"}}));
  keys.push_back(DeviceKey(&trainer->device).KeepsResult());
  keys.push_back(
      LimitKey("trainer.limit_train_batches", &trainer->limit_train_batches,
               "Micro-batches per epoch, for quick tests; 1.0: all, 0.1: a tenth, 1: one"));
  keys.push_back(LimitKey("trainer.limit_val_batches", &trainer->limit_val_batches,
                          "Batches per evaluation, for quick tests")
                     .KeepsResult());
  keys.push_back(IntKey("trainer.log_every_steps", &trainer->log_every_steps, AtLeast(1),
                        "Steps between log lines")
                     .KeepsResult());
  keys.push_back(ProgressKey(&trainer->progress).KeepsResult());
  keys.push_back(BoolKey("trainer.tensorboard", &trainer->tensorboard,
                         "Writes RUN/tensorboard, which TensorBoard shows")
                     .KeepsResult());
  keys.push_back(BoolKey("trainer.deterministic", &trainer->deterministic,
                         "On CUDA: the same bits in every run, with slower kernels")
                     .KeepsResult());
  keys.push_back(EnumKey("trainer.strategy", &trainer->strategy, {"ddp", "zero1"},
                         "How several devices train together")
                     .Later()
                     .KeepsResult());
  return keys;
}

std::vector<ConfigKey> EvaluationKeys(EvaluationOptions* evaluation) {
  std::vector<ConfigKey> keys;
  keys.push_back(EnumKey("evaluation.strategy", &evaluation->strategy, {"no", "epoch", "steps"},
                         "When to evaluate", {{"none", "no"}, {"false", "no"}}));
  keys.push_back(IntKey("evaluation.every_steps", &evaluation->every_steps, AtLeast(1), "none",
                        "With strategy steps: optimizer steps between evaluations"));
  keys.push_back(IntKey("evaluation.num_clips", &evaluation->num_clips, Between(1, 100),
                        "Clips per video, whose logits are averaged"));
  keys.push_back(IntKey("evaluation.generation_max_length", &evaluation->generation_max_length,
                        Between(1, 4096), "Speech: tokens to generate at most")
                     .Later());
  keys.push_back(IntKey("evaluation.num_beams", &evaluation->num_beams, Between(1, 64),
                        "Speech: number of beams")
                     .Later());
  keys.push_back(MetricKey(&evaluation->metric));
  for (ConfigKey& key : keys) key.KeepsResult();
  return keys;
}

std::vector<ConfigKey> CheckpointKeys(CheckpointOptions* checkpoint) {
  std::vector<ConfigKey> keys;
  keys.push_back(IntKey("checkpoint.every_steps", &checkpoint->every_steps, AtLeast(1), "none",
                        "Optimizer steps between checkpoints"));
  keys.push_back(FloatKey("checkpoint.every_minutes", &checkpoint->every_minutes, MoreThan(0),
                          "none", "Minutes between checkpoints"));
  keys.push_back(IntKey("checkpoint.keep", &checkpoint->keep, AtLeast(1),
                        "Newest checkpoints to keep; the best one is kept in addition"));
  for (ConfigKey& key : keys) key.KeepsResult();
  return keys;
}

}  // namespace slimreel
