// The stage in which the RGB and the pose stream exchange features (mmaction2's RGBPoseConv3D).
// Threading and ownership: as every stage.
#ifndef MODELS_RGBPOSE_LATERALS_H_
#define MODELS_RGBPOSE_LATERALS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "memory/stage/stage.h"
#include "models/layers/conv/convolution.h"
#include "models/layers/conv/norm_relu.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

// One stream at the point where the streams exchange features.
struct LateralSide {
  NormReluShape norm;  // the norm of the stream's raw outputs
  std::string key;     // prefix of the lateral into this stream: key.conv, and key.bn for pose
  int64_t channels;    // channels that this lateral adds
};

struct LateralsShape {
  std::string name;
  LateralSide rgb;
  LateralSide pose;
  int64_t speed_ratio = 4;  // pose frames per RGB frame
  double drop_path = 0.0;   // probability that a lateral is zero for a whole batch
};

// {rgb raw (, shortcut), pose raw (, shortcut)} -> {rgb y, lateral into rgb, pose y, lateral into
// pose}, with y = relu(norm(raw) + shortcut).
// The lateral into RGB is a convolution (7, 1, 1) of the pose y with stride speed_ratio in time,
// without norm. The lateral into pose is relu(norm(.)) of a transposed convolution (7, 1, 1) of the
// RGB y. The next convolution concatenates y and the lateral.
// Drop-path draws once per batch and stream from (seed, step, stream); all lateral points use the
// same draw. A dropped lateral is zeros and gets zero gradients. Its norm still moves its
// statistics.
class Laterals : public Stage {
 public:
  Laterals(const LateralsShape& shape, const ParameterOptions& options);
  Tensors Forward(const StageContext& context, Tensors in) override;

 private:
  struct Side {
    NormRelu norm;
    Convolution lateral;
    uint64_t drop_key;
  };
  std::optional<Side> rgb_;
  std::optional<Side> pose_;
  std::optional<BatchNorm> pose_norm_;  // after the transposed convolution
  double drop_path_;
};

}  // namespace slimreel

#endif  // MODELS_RGBPOSE_LATERALS_H_
