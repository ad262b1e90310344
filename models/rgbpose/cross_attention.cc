#include "models/rgbpose/cross_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/adaptive_avg_pool3d.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/upsample_nearest3d.h>

#include <cmath>

#include "models/layers/transformer/attention.h"

namespace slimreel {
namespace {

constexpr int64_t kTokensPerFrame = CrossAttention::kGrid * CrossAttention::kGrid;

// [B, C, T, H, W] -> [B, T * kTokensPerFrame, C]
at::Tensor PooledTokens(const at::Tensor& y) {
  const int64_t grid = CrossAttention::kGrid;
  return at::adaptive_avg_pool3d(y, {y.size(2), grid, grid})
      .flatten(2)
      .transpose(1, 2)
      .contiguous();
}

// [1, T * kTokensPerFrame, width] (Vaswani et al. 2017, section 3.5): the sines, then the cosines
// of the time of a token's frame. Frames are `step` apart.
at::Tensor TimeTable(int64_t tokens, int64_t step, int64_t width, const at::TensorOptions& like) {
  const at::Tensor frames = at::arange(tokens / kTokensPerFrame, like)
                                .add(0.5)
                                .mul(static_cast<double>(step))
                                .repeat_interleave(kTokensPerFrame)
                                .view({1, tokens, 1});
  const double decay = -std::log(10000.0) * 2 / static_cast<double>(width);
  const at::Tensor angles = frames * at::exp(at::arange(width / 2, like).mul(decay));
  return at::cat({at::sin(angles), at::cos(angles)}, 2);
}

at::Tensor Project(const at::Tensor& tokens, const Linear& map) {
  return LinearRows(AsRows(tokens), map.weight, map.bias);
}

// As Project, plus the time table of the tokens.
at::Tensor ProjectInTime(const at::Tensor& tokens, const Linear& map, int64_t step) {
  const at::Tensor rows = Project(tokens, map);
  const at::Tensor table =
      TimeTable(tokens.size(1), step, rows.size(1), tokens.options().requires_grad(false));
  return AsRows(rows.view({tokens.size(0), tokens.size(1), -1}) + table.to(rows.scalar_type()));
}

}  // namespace

CrossAttention::Side CrossAttention::MakeSide(ParameterMaker& make, const std::string& prefix,
                                              int64_t channels, const CrossAttentionShape& shape,
                                              int64_t frame_step) {
  const double std = 0.02;
  return {MakeLinear(make, KeysOf(prefix + ".q"), shape.width, channels, std),
          MakeLinear(make, KeysOf(prefix + ".k"), shape.width, channels, std),
          MakeLinear(make, KeysOf(prefix + ".v"), shape.width, channels, std),
          MakeLinear(make, KeysOf(prefix + ".out"), channels, shape.width, std),
          make.Constant(prefix + ".gate", {1}, 0.0),
          frame_step};
}

CrossAttention::CrossAttention(const CrossAttentionShape& shape, const ParameterOptions& options)
    : Stage(shape.name), width_(shape.width) {
  TORCH_CHECK(width_ > 0 && width_ % kHeadWidth == 0, "the width must be a positive multiple of ",
              kHeadWidth, ", not ", width_);
  ParameterMaker make(options, &state_);
  rgb_ = MakeSide(make, shape.name + ".rgb", shape.rgb_channels, shape, shape.speed_ratio);
  pose_ = MakeSide(make, shape.name + ".pose", shape.pose_channels, shape, 1);
}

at::Tensor CrossAttention::Attend(const Side& side, const at::Tensor& y, const at::Tensor& tokens,
                                  const Side& other, const at::Tensor& other_tokens) const {
  const at::Tensor found = MultiHeadAttention(
      ProjectInTime(tokens, side.query, side.frame_step),
      ProjectInTime(other_tokens, other.key, other.frame_step), Project(other_tokens, other.value),
      {.batch = y.size(0), .heads = width_ / kHeadWidth});
  const at::Tensor grid = LinearRows(found, side.out.weight, side.out.bias)
                              .view({y.size(0), -1, y.size(1)})
                              .transpose(1, 2)
                              .reshape({y.size(0), y.size(1), y.size(2), kGrid, kGrid});
  const at::Tensor up = at::upsample_nearest3d(grid, {y.size(2), y.size(3), y.size(4)});
  return y + (side.gate * up).to(y.scalar_type());
}

Tensors CrossAttention::Forward(const StageContext& /*context*/, Tensors in) {
  const at::Tensor rgb = PooledTokens(in[0]);
  const at::Tensor pose = PooledTokens(in[2]);
  const at::Tensor fused_rgb = Attend(rgb_, in[0], rgb, pose_, pose);
  const at::Tensor fused_pose = Attend(pose_, in[2], pose, rgb_, rgb);
  return {fused_rgb, in[1], fused_pose, in[3]};
}

}  // namespace slimreel
