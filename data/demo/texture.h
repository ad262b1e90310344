// Smooth coloured noise from a seed, with which demo clips are painted.
//
// Threading: pure functions.
#ifndef DATA_DEMO_TEXTURE_H_
#define DATA_DEMO_TEXTURE_H_

#include <array>
#include <cstdint>

namespace slimreel {

// The range of one colour channel. The mean is drawn between the first two; the channel varies
// around it by the contrast.
struct Shade {
  double darkest_mean;
  double brightest_mean;
  double contrast;
};

// Smooth noise between two colours on a grid of kCells x kCells cells that wraps at its edges.
class Texture {
 public:
  static constexpr int kCells = 8;

  Texture(uint64_t seed, const std::array<Shade, 3>& shades);
  // The same range for red, green and blue.
  Texture(uint64_t seed, const Shade& shade) : Texture(seed, std::array{shade, shade, shade}) {}

  // RGB, about 0 to 255. `u` and `v` are in cells and at least 0.
  std::array<float, 3> At(float u, float v) const;

 private:
  float Cell(int row, int column) const { return grid_[(row % kCells) * kCells + column % kCells]; }

  std::array<float, kCells * kCells> grid_;
  std::array<float, 3> low_;
  std::array<float, 3> span_;
};

// `value` modulo `period`, in [0, period).
double Wrap(double value, double period);

// Fills `image` ([height, width, 3], RGB) with the texture, stretched once over the image and
// shifted by (shift_x, shift_y) pixels.
void PaintBackground(const Texture& texture, double shift_x, double shift_y, int width, int height,
                     float* image);

}  // namespace slimreel

#endif  // DATA_DEMO_TEXTURE_H_
