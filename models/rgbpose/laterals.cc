#include "models/rgbpose/laterals.h"

#include <ATen/ops/masked_fill.h>
#include <ATen/ops/ones.h>

#include "models/layers/keyed_random.h"

namespace slimreel {
namespace {

constexpr int64_t kFusionKernel = 7;

// A lateral into RGB reduces the number of frames, one into pose raises it.
Convolution MakeLateral(ParameterMaker& make, const LateralSide& to, const LateralSide& from,
                        int64_t speed_ratio, bool transposed) {
  return Convolution(make, to.key + ".conv",
                     {from.norm.norm.channels,
                      to.channels,
                      {kFusionKernel, 1, 1},
                      {speed_ratio, 1, 1},
                      transposed});
}

// Zeros with this probability. All micro-batches of a batch draw the same, whatever the split.
at::Tensor DropForBatch(const StageContext& context, uint64_t key, double probability,
                        const at::Tensor& x) {
  if (!context.training || probability <= 0) return x;
  const bool dropped =
      KeyedDraw(SampleRandomKey(context, key, /*position=*/0), 0) < DropThreshold(probability);
  if (!dropped) return x;
  return x.masked_fill(at::ones({}, x.options().dtype(at::kBool).requires_grad(false)), 0.0);
}

}  // namespace

Laterals::Laterals(const LateralsShape& shape, const ParameterOptions& options)
    : Stage(shape.name), drop_path_(shape.drop_path) {
  ParameterMaker make(options, &state_);
  rgb_.emplace(Side{NormRelu(make, shape.rgb.norm),
                    MakeLateral(make, shape.rgb, shape.pose, shape.speed_ratio, false),
                    LayerId("rgb_path.drop_path")});
  pose_.emplace(Side{NormRelu(make, shape.pose.norm),
                     MakeLateral(make, shape.pose, shape.rgb, shape.speed_ratio, true),
                     LayerId("pose_path.drop_path")});
  pose_norm_.emplace(make, shape.pose.key + ".bn", shape.pose.channels);
}

Tensors Laterals::Forward(const StageContext& context, Tensors in) {
  const auto split = in.begin() + static_cast<int64_t>(rgb_->norm.num_inputs());
  const at::Tensor rgb = rgb_->norm.Forward(context, Tensors(in.begin(), split));
  const at::Tensor pose = pose_->norm.Forward(context, Tensors(split, in.end()));
  const at::Tensor to_rgb = rgb_->lateral.Forward(pose);
  const at::Tensor to_pose = pose_norm_->Forward(context, pose_->lateral.Forward(rgb)).relu_();
  return {rgb, DropForBatch(context, rgb_->drop_key, drop_path_, to_rgb), pose,
          DropForBatch(context, pose_->drop_key, drop_path_, to_pose)};
}

}  // namespace slimreel
