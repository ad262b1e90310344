#include "data/loading/planar_copy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "base/counter_random.h"

namespace slimreel {
namespace {

// Exactly as long as the frame, so that the address sanitizer detects reads past its end.
std::unique_ptr<uint8_t[]> NoiseFrame(FrameSize size, uint64_t seed) {
  auto frame = std::make_unique<uint8_t[]>(size.height * size.width * 3);
  for (int64_t i = 0; i < size.height * size.width * 3; ++i) {
    frame[i] = static_cast<uint8_t>(CounterBits({seed, static_cast<uint64_t>(i)}));
  }
  return frame;
}

// Brute force: one byte at a time, straight from the definition.
std::vector<uint8_t> CutByDefinition(const uint8_t* frame, FrameSize stored, const Crop& crop) {
  std::vector<uint8_t> out;
  for (int c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < crop.size.height; ++y) {
      for (int64_t x = 0; x < crop.size.width; ++x) {
        const int64_t column = crop.left + (crop.flip ? crop.size.width - 1 - x : x);
        out.push_back(frame[((crop.top + y) * stored.width + column) * 3 + c]);
      }
    }
  }
  return out;
}

TEST(PlanarCopyTest, EveryWidthAndPlaceEqualsTheDefinition) {
  for (int64_t width = 1; width <= 70; ++width) {
    const FrameSize stored{width + 3, 5};
    const std::unique_ptr<uint8_t[]> frame = NoiseFrame(stored, width);
    for (const bool flip : {false, true}) {
      for (int64_t left = 0; left <= 3; ++left) {
        const Crop crop{stored, {width, 3}, 2, left, flip};
        std::vector<uint8_t> out(3 * 3 * width);
        CopyCropToPlanes(frame.get(), stored, crop, 3 * width, out.data());
        ASSERT_EQ(out, CutByDefinition(frame.get(), stored, crop)) << width << " " << left;
      }
    }
  }
}

TEST(PlanarCopyTest, PlanesLieAStrideApartAndNothingElseIsWritten) {
  const FrameSize stored{20, 2};
  const std::unique_ptr<uint8_t[]> frame = NoiseFrame(stored, 1);
  constexpr int64_t kStride = 100;
  std::vector<uint8_t> out(3 * kStride, 7);
  const Crop crop{stored, stored, 0, 0, false};
  CopyCropToPlanes(frame.get(), stored, crop, kStride, out.data());
  for (int64_t i = 0; i < 3 * kStride; ++i) {
    const int64_t at = i % kStride;
    EXPECT_EQ(out[i], at < 40 ? frame[at * 3 + i / kStride] : 7) << i;
  }
}

// Values of torch.nn.functional.interpolate(float image, (4, 4), mode="bilinear",
// align_corners=False).round() for the single channel [[0, 100], [200, 40]].
TEST(PlanarCopyTest, UpscalingIsPyTorchsBilinear) {
  const uint8_t frame[12] = {0, 0, 0, 100, 100, 100, 200, 200, 200, 40, 40, 40};
  const Crop crop{{4, 4}, {4, 4}, 0, 0, false};
  std::vector<uint8_t> out(48);
  CopyCropToPlanes(frame, {2, 2}, crop, 16, out.data());
  const std::vector<uint8_t> expected = {0,   25,  75, 100, 50,  59,  76, 85,
                                         150, 126, 79, 55,  200, 160, 80, 40};
  EXPECT_EQ(std::vector<uint8_t>(out.begin(), out.begin() + 16), expected);
  EXPECT_EQ(std::vector<uint8_t>(out.begin() + 32, out.end()), expected);
}

}  // namespace
}  // namespace slimreel
