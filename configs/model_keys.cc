#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

template <size_t N>
std::vector<std::string> Words(const char* const (&words)[N]) {
  return {words, words + N};
}

ConfigKey NormGroupKey(NormGroup* group) {
  return CustomKey(
      "model.norm_group", "micro_batch | global | frozen, or a whole number, 1 or more",
      "Consecutive samples of the effective batch that BatchNorm computes its statistics over",
      [group](const YAML::Node& value) -> absl::Status {
        using Kind = NormGroup::Kind;
        const std::string word = value.IsScalar() ? value.Scalar() : "";
        if (word == "micro_batch" || word == "global" || word == "frozen") {
          *group = {word == "global"   ? Kind::kGlobal
                    : word == "frozen" ? Kind::kFrozen
                                       : Kind::kMicroBatch};
          return absl::OkStatus();
        }
        SLIMREEL_ASSIGN_OR_RETURN(const int64_t size, ParseInt(value, AtLeast(1)));
        *group = {Kind::kSize, size};
        return absl::OkStatus();
      },
      [group]() -> std::string {
        switch (group->kind) {
          case NormGroup::Kind::kSize:
            return std::to_string(group->size);
          case NormGroup::Kind::kMicroBatch:
            return "micro_batch";
          case NormGroup::Kind::kGlobal:
            return "global";
          case NormGroup::Kind::kFrozen:
            return "frozen";
        }
        return "";
      },
      {"micro_batch", "global", "frozen"});
}

ConfigKey LossWeightsKey(std::array<double, 2>* weights) {
  return CustomKey(
      "model.loss_weights", "[rgb, pose], each 0 or more",
      "RGB+pose models: weights of the two heads' losses in their sum",
      [weights](const YAML::Node& value) -> absl::Status {
        if (!value.IsSequence() || value.size() != 2) return NotAllowed(value, "two numbers");
        SLIMREEL_ASSIGN_OR_RETURN(const double rgb, ParseFloat(value[0], AtLeast(0)));
        SLIMREEL_ASSIGN_OR_RETURN(const double pose, ParseFloat(value[1], AtLeast(0)));
        *weights = {rgb, pose};
        return absl::OkStatus();
      },
      [weights] {
        return YamlList({YamlFloat((*weights)[0]), YamlFloat((*weights)[1])});
      });
}

}  // namespace

std::vector<ConfigKey> ModelKeys(ModelOptions* model) {
  std::vector<ConfigKey> keys;
  keys.push_back(
      TextKey("model.name", &model->name, "none",
              "Model of the zoo (//models:model -- list shows all); required for training"));
  keys.push_back(IntKey("model.num_classes", &model->num_classes, Between(2, 1 << 24), "none",
                        "Number of classes; none: as the data has"));
  keys.push_back(TextKey(
      "model.weights", &model->weights, "none",
      "First weights: safetensors file, index of shards or folder; RGB,POSE for two streams"));
  keys.push_back(
      BoolKey("model.use_gradient_checkpointing", &model->use_gradient_checkpointing, "auto",
              "true: recompute every stage, for the time of one more forward pass; false: never; "
              "auto: if memory.budget requires it")
          .KeepsResult());
  keys.push_back(FloatKey("model.dropout", &model->dropout, {0, 1, false, true}, "none",
                          "Probability of dropout; none: as in the reference"));
  keys.push_back(FloatKey("model.drop_path", &model->drop_path, {0, 1, false, true}, "none",
                          "Probability of dropping a path; none: as in the reference"));
  keys.push_back(EnumKey("model.temporal_pooling", &model->temporal_pooling,
                         Words(kTemporalPoolingWords),
                         "Per-frame backbones: how the frames of a clip are joined"));
  keys.push_back(NormGroupKey(&model->norm_group));
  keys.push_back(EnumKey("model.fusion", &model->fusion, Words(kStreamFusionWords),
                         "RGB+pose models: how the two streams are joined"));
  keys.push_back(LossWeightsKey(&model->loss_weights));
  keys.push_back(
      TextListKey("model.freeze", &model->freeze,
                  "Prefixes of the keys of frozen parameters, which need no gradient memory"));
  return keys;
}

}  // namespace slimreel
