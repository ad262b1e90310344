#include "models/pose/heatmap.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "models/layers/shared_work.h"

namespace slimreel {
namespace {

constexpr float kMinScore = 1e-4f;

// The whole pixels [begin, end) of one axis that a joint at `centre` touches.
struct Span {
  int64_t begin;
  int64_t end;
};
Span PatchSpan(float centre, float reach, int64_t size) {
  // A joint far outside of the plane draws nothing, and its conversion to int could overflow.
  if (!(std::abs(centre) < 1e6f)) return {0, 0};
  return {std::max<int64_t>(static_cast<int64_t>(centre - reach), 0),
          std::min<int64_t>(static_cast<int64_t>(centre + reach) + 1, size)};
}

// `joint`: x, y, score. `plane`: [height, width].
void DrawJoint(const float* joint, const HeatmapShape& shape, float* plane) {
  if (!(joint[2] >= kMinScore)) return;
  const float reach = static_cast<float>(3 * shape.sigma);
  const float square = static_cast<float>(shape.sigma * shape.sigma);
  const Span columns = PatchSpan(joint[0], reach, shape.width);
  const Span rows = PatchSpan(joint[1], reach, shape.height);
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    const float dy = static_cast<float>(y) - joint[1];
    float* row = plane + y * shape.width;
    for (int64_t x = columns.begin; x < columns.end; ++x) {
      const float dx = static_cast<float>(x) - joint[0];
      row[x] = std::max(row[x], std::exp(-(dx * dx + dy * dy) / 2 / square) * joint[2]);
    }
  }
}

}  // namespace

at::Tensor DrawHeatmaps(const at::Tensor& keypoints, const HeatmapShape& shape) {
  TORCH_CHECK(keypoints.dim() == 5 && keypoints.size(4) == 3 &&
                  keypoints.scalar_type() == at::kFloat && keypoints.is_cpu(),
              "keypoints must be [B, M, T, V, 3] float32 on the CPU, not ", keypoints.sizes());
  const at::Tensor in = keypoints.contiguous();
  const int64_t persons = in.size(1), frames = in.size(2), joints = in.size(3);
  const int64_t plane = shape.height * shape.width;
  at::Tensor out = at::zeros({in.size(0), joints, frames, shape.height, shape.width}, at::kFloat);
  const float* from = in.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  ForEachPiece(in.size(0) * joints, frames * plane, [&](int64_t i) {
    const int64_t b = i / joints, v = i % joints;
    for (int64_t t = 0; t < frames; ++t) {
      for (int64_t m = 0; m < persons; ++m) {
        const int64_t joint = ((b * persons + m) * frames + t) * joints + v;
        DrawJoint(from + 3 * joint, shape, to + (i * frames + t) * plane);
      }
    }
  });
  return out;
}

}  // namespace slimreel
