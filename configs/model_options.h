// Options of the section `model`. They do not need torch.
//
// A field has the name of the last part of its key. configs/model_keys.cc reads and prints the
// fields.
#ifndef CONFIGS_MODEL_OPTIONS_H_
#define CONFIGS_MODEL_OPTIONS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slimreel {

enum class TemporalPooling { kMean, kAttention, kLstm };
enum class StreamFusion { kLateral, kCrossAttention };
// The words of the configuration, in the order of the enumerators.
inline constexpr const char* kTemporalPoolingWords[] = {"mean", "attention", "lstm"};
inline constexpr const char* kStreamFusionWords[] = {"lateral", "cross_attention"};

// The samples that BatchNorm computes its statistics over (normalisation groups).
struct NormGroup {
  enum class Kind {
    kSize,        // `size` consecutive samples of the effective batch
    kMicroBatch,  // data.batch_size samples; forbids splitting into smaller parts
    kGlobal,      // the whole effective batch
    kFrozen,      // running statistics, which do not change
  };
  Kind kind = Kind::kMicroBatch;
  int64_t size = 0;  // only for kSize; >= 1
  friend bool operator==(const NormGroup&, const NormGroup&) = default;
};

struct ModelOptions {
  std::string name;                    // a name of the factory's table; required for training
  std::optional<int64_t> num_classes;  // none: as the data has; >= 2
  std::string weights;                 // safetensors with the reference's keys; empty: none
  // none: auto (the planner decides if there is a budget; else no stage). true: every stage, for
  // the time of one more forward pass. false: forbidden.
  std::optional<bool> use_gradient_checkpointing;
  std::optional<double> dropout;                              // none: as the reference; 0..1
  std::optional<double> drop_path;                            // none: as the reference; 0..1
  TemporalPooling temporal_pooling = TemporalPooling::kMean;  // per-frame backbones
  NormGroup norm_group;
  StreamFusion fusion = StreamFusion::kLateral;  // RGB+pose
  // RGB+pose: weights of the cross entropies of the RGB head and the pose head, whose weighted sum
  // is the loss. Each is >= 0 and one is more than 0. Costs no memory.
  std::array<double, 2> loss_weights{1.0, 1.0};
  // Prefixes of keys. A frozen parameter has no gradient and no optimizer state.
  std::vector<std::string> freeze;
  friend bool operator==(const ModelOptions&, const ModelOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_MODEL_OPTIONS_H_
