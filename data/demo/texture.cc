#include "data/demo/texture.h"

#include <algorithm>
#include <cmath>

#include "base/counter_random.h"

namespace slimreel {

Texture::Texture(uint64_t seed, const std::array<Shade, 3>& shades) {
  SplitMix64 random(seed);
  for (float& value : grid_) value = static_cast<float>(random.Uniform(0.0, 1.0));
  for (int channel = 0; channel < 3; ++channel) {
    const Shade& shade = shades[channel];
    const double mean = random.Uniform(shade.darkest_mean, shade.brightest_mean);
    const double swing = shade.contrast * (random.Bits() % 2 == 0 ? 1.0 : -1.0);
    low_[channel] = static_cast<float>(mean - swing);
    span_[channel] = static_cast<float>(2.0 * swing);
  }
}

std::array<float, 3> Texture::At(float u, float v) const {
  const int column = static_cast<int>(u);
  const int row = static_cast<int>(v);
  const float fu = u - static_cast<float>(column);
  const float fv = v - static_cast<float>(row);
  const float top = Cell(row, column) * (1 - fu) + Cell(row, column + 1) * fu;
  const float bottom = Cell(row + 1, column) * (1 - fu) + Cell(row + 1, column + 1) * fu;
  const float value = top * (1 - fv) + bottom * fv;
  return {low_[0] + span_[0] * value, low_[1] + span_[1] * value, low_[2] + span_[2] * value};
}

double Wrap(double value, double period) {
  const double wrapped = value - period * std::floor(value / period);
  return wrapped < period ? wrapped : 0.0;  // rounding may return the period itself
}

void PaintBackground(const Texture& texture, double shift_x, double shift_y, int width, int height,
                     float* image) {
  for (int y = 0; y < height; ++y) {
    const double v = Wrap(y - shift_y, height) * Texture::kCells / height;
    for (int x = 0; x < width; ++x) {
      const double u = Wrap(x - shift_x, width) * Texture::kCells / width;
      const std::array<float, 3> colour = texture.At(static_cast<float>(u), static_cast<float>(v));
      std::copy(colour.begin(), colour.end(), image + (y * width + x) * 3);
    }
  }
}

}  // namespace slimreel
