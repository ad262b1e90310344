// `model.fusion: cross_attention`: at a lateral point, the RGB and the pose stream attend to each
// other. This is the project's own variant; it has no reference implementation.
// Threading and ownership: as every stage.
#ifndef MODELS_RGBPOSE_CROSS_ATTENTION_H_
#define MODELS_RGBPOSE_CROSS_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "memory/stage/stage.h"
#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

struct CrossAttentionShape {
  std::string name;  // the stage's name and the prefix of its keys
  int64_t rgb_channels = 0;
  int64_t pose_channels = 0;
  int64_t width = 0;        // of queries, keys and values; a multiple of kHeadWidth
  int64_t speed_ratio = 4;  // pose frames per RGB frame
};

// {rgb y [B, C, T, H, W], lateral, pose y [B, C', T', H', W'], lateral} -> a tuple of the same
// shapes. The laterals are handed on. Each y becomes
//   y + gate * up(out(attention(q(tokens of y), k(tokens of other y), v(tokens of other y))))
// Tokens: y averaged over a kGrid x kGrid grid of each frame. q and k add sinusoids of the time in
// pose frames, so that attention can align the frames of both streams. `up` repeats a token over
// its cell of the grid. Gates start at 0, which leaves the tuple unchanged.
// Keys: name.{rgb,pose}.{q,k,v,out}.{weight,bias}, name.{rgb,pose}.gate.
class CrossAttention : public Stage {
 public:
  static constexpr int64_t kGrid = 4;
  static constexpr int64_t kHeadWidth = 16;
  CrossAttention(const CrossAttentionShape& shape, const ParameterOptions& options);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::vector<int> handed_on() const override { return {-1, 1, -1, 3}; }

 private:
  struct Side {
    Linear query, key, value, out;
    at::Tensor gate;     // [1]
    int64_t frame_step;  // pose frames from one frame to the next
  };
  static Side MakeSide(ParameterMaker& make, const std::string& prefix, int64_t channels,
                       const CrossAttentionShape& shape, int64_t frame_step);
  // y + gate * attention of `side` to the tokens of `other`. Tokens: [B, N, C].
  at::Tensor Attend(const Side& side, const at::Tensor& y, const at::Tensor& tokens,
                    const Side& other, const at::Tensor& other_tokens) const;

  int64_t width_;
  Side rgb_;
  Side pose_;
};

}  // namespace slimreel

#endif  // MODELS_RGBPOSE_CROSS_ATTENTION_H_
