#include "data/demo/motion_clip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/counter_random.h"
#include "data/demo/texture.h"

namespace slimreel {
namespace {

// Note [One frame does not reveal the class]
//
// Every quantity that some class changes over time (place, angle, size) lies on a circle and starts
// uniformly on it, in every class. Moving along a circle keeps a uniform distribution uniform. So
// frame t of a clip has the same distribution in all classes, for every t. Only the relation
// between consecutive frames differs.
//
// The price: an object that leaves at one edge comes back at the other, and a growing object starts
// small again when it has reached the largest size. Background, colours, textures and shape are
// drawn independently of the class.

constexpr double kSmallestObject = 18.0;  // side or diameter
constexpr double kLargestObject = 44.0;
constexpr double kMinSpeed = 1.6;  // pixels per frame: above the background's
constexpr double kMaxSpeed = 3.2;
constexpr double kMaxBackgroundSpeed = 0.8;
constexpr double kMinAngularVelocity = 0.14;  // radians per frame
constexpr double kMaxAngularVelocity = 0.30;
constexpr double kMinGrowth = 0.035;  // of the size circle per frame
constexpr double kMaxGrowth = 0.055;

// Ranges of the textures' colours. Objects are always brighter than the background, so a network
// finds them with its first layer and then has only the motion to learn, in minutes on two cores.
// The brightness does not depend on the class.
constexpr Shade kBackgroundShade{40.0, 100.0, 25.0};
constexpr Shade kObjectShade{160.0, 215.0, 40.0};

void DrawBackground(const MotionClipParameters& p, const MotionClipOptions& o, int frame,
                    const Texture& texture, float* image) {
  PaintBackground(texture, p.background_x + p.background_velocity_x * frame,
                  p.background_y + p.background_velocity_y * frame, o.width, o.height, image);
}

// The part of a pixel that the object covers, 0 to 1. (x, y) is the pixel's place from the centre.
double Coverage(double x, double y, double radius, bool disc) {
  const double outside =
      disc ? std::hypot(x, y) - radius : std::max(std::abs(x), std::abs(y)) - radius;
  return std::clamp(0.5 - outside, 0.0, 1.0);
}

// Draws one copy of the object around (centre_x, centre_y). Skips pixels outside of the image.
void DrawObjectAt(const MotionClipParameters& p, const MotionClipOptions& o, int frame,
                  double centre_x, double centre_y, const Texture& texture, float* image) {
  const double phase = Wrap(p.size_phase + p.growth * frame, 1.0);
  const double radius = 0.5 * kSmallestObject * std::pow(kLargestObject / kSmallestObject, phase);
  const double angle = p.angle + p.angular_velocity * frame;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double reach = radius * (p.disc ? 1.0 : std::numbers::sqrt2) + 1.0;
  const int y_begin = std::max(0, static_cast<int>(std::ceil(centre_y - reach)));
  const int y_end = std::min(o.height, static_cast<int>(std::floor(centre_y + reach)) + 1);
  const int x_begin = std::max(0, static_cast<int>(std::ceil(centre_x - reach)));
  const int x_end = std::min(o.width, static_cast<int>(std::floor(centre_x + reach)) + 1);
  for (int y = y_begin; y < y_end; ++y) {
    for (int x = x_begin; x < x_end; ++x) {
      // Rotate back into the object's own axes.
      const double across = cosine * (x - centre_x) + sine * (y - centre_y);
      const double along = -sine * (x - centre_x) + cosine * (y - centre_y);
      const float coverage = static_cast<float>(Coverage(across, along, radius, p.disc));
      if (coverage <= 0) continue;
      // The texture grows with the object. Only half of its cells show, so its edges never meet.
      const double scale = Texture::kCells / 4.0 / radius;
      const std::array<float, 3> colour =
          texture.At(static_cast<float>(across * scale + Texture::kCells / 2.0),
                     static_cast<float>(along * scale + Texture::kCells / 2.0));
      float* pixel = image + (y * o.width + x) * 3;
      for (int c = 0; c < 3; ++c) pixel[c] += coverage * (colour[c] - pixel[c]);
    }
  }
}

void DrawObject(const MotionClipParameters& p, const MotionClipOptions& o, int frame,
                const Texture& texture, float* image) {
  const double x = Wrap(p.x + p.velocity_x * frame, o.width);
  const double y = Wrap(p.y + p.velocity_y * frame, o.height);
  for (int row = -1; row <= 1; ++row) {
    for (int column = -1; column <= 1; ++column) {
      DrawObjectAt(p, o, frame, x + column * o.width, y + row * o.height, texture, image);
    }
  }
}

}  // namespace

absl::string_view MotionName(Motion motion) {
  switch (motion) {
    case Motion::kClockwise:
      return "clockwise";
    case Motion::kDown:
      return "down";
    case Motion::kGrow:
      return "grow";
    case Motion::kLeft:
      return "left";
    case Motion::kRight:
      return "right";
    case Motion::kUp:
      return "up";
  }
  return "";
}

MotionClipParameters DrawMotionClipParameters(Motion motion, uint64_t seed,
                                              const MotionClipOptions& options) {
  // All numbers are drawn for every class, so clips of one seed differ only in the class's motion.
  SplitMix64 random(seed);
  MotionClipParameters p;
  p.x = random.Uniform(0, options.width);
  p.y = random.Uniform(0, options.height);
  p.angle = random.Uniform(0, 2 * std::numbers::pi);
  p.size_phase = random.Uniform(0, 1);
  p.disc = random.Bits() % 2 == 0;
  p.background_x = random.Uniform(0, options.width);
  p.background_y = random.Uniform(0, options.height);
  const double direction = random.Uniform(0, 2 * std::numbers::pi);
  const double drift = random.Uniform(0, kMaxBackgroundSpeed);
  p.background_velocity_x = drift * std::cos(direction);
  p.background_velocity_y = drift * std::sin(direction);
  p.texture_seed = random.Bits();
  const double speed = random.Uniform(kMinSpeed, kMaxSpeed);
  const double angular_velocity = random.Uniform(kMinAngularVelocity, kMaxAngularVelocity);
  const double growth = random.Uniform(kMinGrowth, kMaxGrowth);
  if (motion == Motion::kLeft) p.velocity_x = -speed;
  if (motion == Motion::kRight) p.velocity_x = speed;
  if (motion == Motion::kUp) p.velocity_y = -speed;
  if (motion == Motion::kDown) p.velocity_y = speed;
  if (motion == Motion::kClockwise) p.angular_velocity = angular_velocity;
  if (motion == Motion::kGrow) p.growth = growth;
  return p;
}

std::vector<uint8_t> RenderMotionClip(const MotionClipParameters& parameters,
                                      const MotionClipOptions& options) {
  SplitMix64 seeds(parameters.texture_seed);
  const Texture background(seeds.Bits(), kBackgroundShade);
  const Texture object(seeds.Bits(), kObjectShade);
  const size_t frame_bytes = static_cast<size_t>(options.width) * options.height * 3;
  std::vector<uint8_t> clip(frame_bytes * options.num_frames);
  std::vector<float> image(frame_bytes);
  for (int frame = 0; frame < options.num_frames; ++frame) {
    DrawBackground(parameters, options, frame, background, image.data());
    DrawObject(parameters, options, frame, object, image.data());
    std::transform(image.begin(), image.end(), clip.begin() + frame * frame_bytes, [](float v) {
      return static_cast<uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f));
    });
  }
  return clip;
}

}  // namespace slimreel
