// Options of the section `model`. Free of torch.
//
// The field is the last part of the key; the table in configs/model_keys.cc reads
// and prints them.
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
// What users write, in the order of the enumerators.
inline constexpr const char* kTemporalPoolingWords[] = {"mean", "attention", "lstm"};
inline constexpr const char* kStreamFusionWords[] = {"lateral", "cross_attention"};

// Over which samples BatchNorm takes its statistics (design: normalisation groups).
struct NormGroup {
  enum class Kind {
    kSize,        // `size` consecutive samples of the effective batch
    kMicroBatch,  // data.batch_size samples: forbids splitting below it
    kGlobal,      // the whole effective batch
    kFrozen,      // running statistics, which do not move
  };
  Kind kind = Kind::kMicroBatch;
  int64_t size = 0;  // kSize alone; >= 1
  friend bool operator==(const NormGroup&, const NormGroup&) = default;
};

struct ModelOptions {
  std::string name;                    // a name of the factory's table; required to train
  std::optional<int64_t> num_classes;  // none: from the data; >= 2
  std::string weights;                 // safetensors with the reference's keys; empty: none
  // none: auto (the planner's choice with a budget, none without); true: every
  // stage (one more forward pass of time); false: forbidden.
  std::optional<bool> use_gradient_checkpointing;
  std::optional<double> dropout;                              // none: the reference's; 0..1
  std::optional<double> drop_path;                            // none: the reference's; 0..1
  TemporalPooling temporal_pooling = TemporalPooling::kMean;  // per-frame backbones
  NormGroup norm_group;
  StreamFusion fusion = StreamFusion::kLateral;  // RGB+pose
  // RGB+pose: weights of the RGB's and the pose head's cross entropies, whose sum is the
  // loss; each >= 0, one more than 0. Costs nothing.
  std::array<double, 2> loss_weights{1.0, 1.0};
  // Key prefixes. A frozen parameter keeps no gradient and no optimizer state.
  std::vector<std::string> freeze;
  friend bool operator==(const ModelOptions&, const ModelOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_MODEL_OPTIONS_H_
