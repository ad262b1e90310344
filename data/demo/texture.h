// What demo clips are painted with: smooth coloured noise from a seed.
//
// Callers: motion_clip, pose_clip. Pure; no threads.
#ifndef DATA_DEMO_TEXTURE_H_
#define DATA_DEMO_TEXTURE_H_

#include <array>
#include <cstdint>

namespace slimreel {

// Range of one channel: its mean is drawn, and it swings around it by the contrast.
struct Shade {
  double darkest_mean;
  double brightest_mean;
  double contrast;
};

// Smooth noise between two colours on a grid of kCells x kCells that closes on itself.
class Texture {
 public:
  static constexpr int kCells = 8;

  Texture(uint64_t seed, const std::array<Shade, 3>& shades);
  // The same range for red, green and blue.
  Texture(uint64_t seed, const Shade& shade) : Texture(seed, std::array{shade, shade, shade}) {}

  // RGB, 0..255 and somewhat beyond; u and v in cells, from 0 on.
  std::array<float, 3> At(float u, float v) const;

 private:
  float Cell(int row, int column) const { return grid_[(row % kCells) * kCells + column % kCells]; }

  std::array<float, kCells * kCells> grid_;
  std::array<float, 3> low_;
  std::array<float, 3> span_;
};

// The part of `value` beyond whole periods, in [0, period).
double Wrap(double value, double period);

// Fills `image` [height, width, 3], red green blue, with the texture once across, moved by
// (shift_x, shift_y) pixels.
void PaintBackground(const Texture& texture, double shift_x, double shift_y, int width, int height,
                     float* image);

}  // namespace slimreel

#endif  // DATA_DEMO_TEXTURE_H_
