#include "data/demo/pose_clip.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/counter_random.h"
#include "data/demo/texture.h"

namespace slimreel {
namespace {

// Note [Neither stream is enough]
//
// A class is a colour and a motion. The figure wears a round cloak that covers everything its limbs
// can reach. So the frames show colour, place and size: RenderPoseClip reads no limb, and clips of
// one seed have equal pixels in all motions. The keypoints are those of the body under the cloak,
// as sensors on the body would give them: PoseClipKeypoints reads no colour, and clips of one seed
// have equal keypoints in all colours.
//
// Seeds do not depend on the class. So the best accuracy from frames is one over the number of
// motions, and from keypoints one over the number of colours. Place and size of the figure are the
// same in both streams.

constexpr int kJoints = 17;
constexpr double kTau = 2 * std::numbers::pi;

// Lengths as fractions of the figure's height.
constexpr double kCloakRadius = 0.70;
constexpr double kShoulderHeight = 0.30, kShoulderWidth = 0.11;
constexpr double kUpperArm = 0.17, kForearm = 0.16;
constexpr double kHipWidth = 0.07, kThigh = 0.22, kShin = 0.22;
constexpr double kNoseHeight = 0.42;

constexpr double kArmSwing = 0.8, kLegSwing = 0.5, kBendSwing = 0.6;  // radians
constexpr double kJitter = 0.4;                                       // pixels
constexpr double kMissing = 0.03;                                     // fraction of the joints

constexpr Shade kBackground{60.0, 180.0, 25.0};
constexpr Shade kStrong{150.0, 210.0, 30.0};
constexpr Shade kWeak{40.0, 100.0, 30.0};

struct Point {
  double x = 0;
  double y = 0;
};
Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator*(double scale, Point p) { return {scale * p.x, scale * p.y}; }

Point Hips(const PoseClipParameters& p, const PoseClipOptions& o, int frame) {
  const double walked = o.num_frames > 1 ? static_cast<double>(frame) / (o.num_frames - 1) : 0.0;
  return {p.start_x + (p.end_x - p.start_x) * walked, p.start_y + (p.end_y - p.start_y) * walked};
}

struct Limbs {
  double arms = 0;  // radians, as PoseClipParameters
  double left_leg = 0;
  double right_leg = 0;
  double lean = 0;
};

Limbs LimbsAt(const PoseClipParameters& p, int frame) {
  const double swing = std::sin(p.phase + p.frequency * frame);
  Limbs limbs{p.arm_angle, p.leg_angle, p.leg_angle, p.lean};
  if (p.motion == LimbMotion::kArms) limbs.arms += kArmSwing * (1 + swing);
  if (p.motion == LimbMotion::kBend) limbs.lean += kBendSwing * swing;
  if (p.motion == LimbMotion::kLegs) {
    limbs.left_leg += kLegSwing * (1 + swing);
    limbs.right_leg += kLegSwing * (1 - swing);
  }
  return limbs;
}

// The joints relative to the middle of the hips, in units of the figure's height. The figure faces
// the viewer: its left is on the viewer's right.
std::array<Point, kJoints> Skeleton(const Limbs& limbs) {
  const Point up{std::sin(limbs.lean), -std::cos(limbs.lean)};
  const Point across{std::cos(limbs.lean), std::sin(limbs.lean)};
  std::array<Point, kJoints> joints;
  joints[0] = kNoseHeight * up;
  for (int side = 0; side < 2; ++side) {  // left, right
    const double sign = side == 0 ? 1.0 : -1.0;
    joints[1 + side] = (kNoseHeight + 0.02) * up + sign * 0.02 * across;   // eye
    joints[3 + side] = (kNoseHeight + 0.01) * up + sign * 0.045 * across;  // ear
    const Point shoulder = kShoulderHeight * up + sign * kShoulderWidth * across;
    const Point arm = -std::cos(limbs.arms) * up + sign * std::sin(limbs.arms) * across;
    joints[5 + side] = shoulder;
    joints[7 + side] = shoulder + kUpperArm * arm;
    joints[9 + side] = shoulder + (kUpperArm + kForearm) * arm;
    const double angle = side == 0 ? limbs.left_leg : limbs.right_leg;
    const Point leg{sign * std::sin(angle), std::cos(angle)};
    const Point hip{sign * kHipWidth, 0.0};
    joints[11 + side] = hip;
    joints[13 + side] = hip + kThigh * leg;
    joints[15 + side] = hip + (kThigh + kShin) * leg;
  }
  return joints;
}

Texture Cloak(CloakColor color, uint64_t seed) {
  std::array<Shade, 3> shades = {kWeak, kWeak, kWeak};  // red, green, blue
  shades[color == CloakColor::kRed ? 0 : color == CloakColor::kGreen ? 1 : 2] = kStrong;
  return Texture(seed, shades);
}

void PaintCloak(const Texture& texture, Point centre, double radius, const PoseClipOptions& o,
                float* image) {
  const double scale = Texture::kCells / 4.0 / radius;
  for (int y = 0; y < o.height; ++y) {
    for (int x = 0; x < o.width; ++x) {
      const double across = x - centre.x, along = y - centre.y;
      const double outside = std::hypot(across, along) - radius;
      const float coverage = static_cast<float>(std::clamp(0.5 - outside, 0.0, 1.0));
      if (coverage <= 0) continue;
      const std::array<float, 3> colour =
          texture.At(static_cast<float>(across * scale + Texture::kCells / 2.0),
                     static_cast<float>(along * scale + Texture::kCells / 2.0));
      float* pixel = image + (y * o.width + x) * 3;
      for (int c = 0; c < 3; ++c) pixel[c] += coverage * (colour[c] - pixel[c]);
    }
  }
}

}  // namespace

absl::string_view CloakColorName(CloakColor color) {
  switch (color) {
    case CloakColor::kBlue:
      return "blue";
    case CloakColor::kGreen:
      return "green";
    case CloakColor::kRed:
      return "red";
  }
  return "";
}

absl::string_view LimbMotionName(LimbMotion motion) {
  switch (motion) {
    case LimbMotion::kArms:
      return "arms";
    case LimbMotion::kBend:
      return "bend";
    case LimbMotion::kLegs:
      return "legs";
  }
  return "";
}

PoseClipParameters DrawPoseClipParameters(CloakColor color, LimbMotion motion, uint64_t seed,
                                          const PoseClipOptions& options) {
  SplitMix64 random(seed);
  PoseClipParameters p;
  p.color = color;
  p.motion = motion;
  const double x = options.width / 2.0, y = options.height / 2.0;
  p.start_x = random.Uniform(x - 9, x + 9);
  p.start_y = random.Uniform(y - 6, y + 6);
  p.end_x = random.Uniform(x - 9, x + 9);
  p.end_y = random.Uniform(y - 6, y + 6);
  p.figure_height = random.Uniform(36, 44);
  p.frequency = kTau * random.Uniform(1.5, 3.0) / options.num_frames;
  p.phase = random.Uniform(0, kTau);
  p.arm_angle = random.Uniform(0.35, 0.9);
  p.leg_angle = random.Uniform(0.12, 0.35);
  p.lean = random.Uniform(-0.15, 0.15);
  p.background_x = random.Uniform(0, options.width);
  p.background_y = random.Uniform(0, options.height);
  const double direction = random.Uniform(0, kTau);
  const double drift = random.Uniform(0, 0.8);
  p.background_velocity_x = drift * std::cos(direction);
  p.background_velocity_y = drift * std::sin(direction);
  p.texture_seed = random.Bits();
  p.noise_seed = random.Bits();
  return p;
}

std::vector<uint8_t> RenderPoseClip(const PoseClipParameters& parameters,
                                    const PoseClipOptions& options) {
  SplitMix64 seeds(parameters.texture_seed);
  const Texture background(seeds.Bits(), kBackground);
  const Texture cloak = Cloak(parameters.color, seeds.Bits());
  const size_t frame_bytes = static_cast<size_t>(options.width) * options.height * 3;
  std::vector<uint8_t> clip(frame_bytes * options.num_frames);
  std::vector<float> image(frame_bytes);
  for (int frame = 0; frame < options.num_frames; ++frame) {
    PaintBackground(background, parameters.background_x + parameters.background_velocity_x * frame,
                    parameters.background_y + parameters.background_velocity_y * frame,
                    options.width, options.height, image.data());
    PaintCloak(cloak, Hips(parameters, options, frame), kCloakRadius * parameters.figure_height,
               options, image.data());
    std::transform(image.begin(), image.end(), clip.begin() + frame * frame_bytes, [](float v) {
      return static_cast<uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f));
    });
  }
  return clip;
}

std::vector<float> PoseClipKeypoints(const PoseClipParameters& parameters,
                                     const PoseClipOptions& options) {
  SplitMix64 noise(parameters.noise_seed);
  std::vector<float> keypoints;
  for (int frame = 0; frame < options.num_frames; ++frame) {
    const Point hips = Hips(parameters, options, frame);
    for (const Point& joint : Skeleton(LimbsAt(parameters, frame))) {
      const Point at = hips + parameters.figure_height * joint;
      const double x = at.x + noise.Uniform(-kJitter, kJitter);
      const double y = at.y + noise.Uniform(-kJitter, kJitter);
      const double score = noise.Uniform(0.6, 1.0);
      const bool missing = noise.Uniform(0.0, 1.0) < kMissing;
      for (const double value : {x, y, score}) {
        keypoints.push_back(missing ? 0.0f : static_cast<float>(value));
      }
    }
  }
  return keypoints;
}

}  // namespace slimreel
