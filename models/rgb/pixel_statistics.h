// How to normalise pixels (scaled to 0..1), as the published weights of each family expect it.
#ifndef MODELS_RGB_PIXEL_STATISTICS_H_
#define MODELS_RGB_PIXEL_STATISTICS_H_

#include <array>

namespace slimreel {

struct PixelStatistics {
  std::array<float, 3> mean;
  std::array<float, 3> std;
};
// torchvision's video models.
inline constexpr PixelStatistics kKineticsPixels{{0.43216f, 0.394666f, 0.37645f},
                                                 {0.22803f, 0.22145f, 0.216989f}};
inline constexpr PixelStatistics kTimesformerPixels{{0.45f, 0.45f, 0.45f},
                                                    {0.225f, 0.225f, 0.225f}};
// torchvision's image models, VideoMAE, mmaction2 (123.675, 116.28, 103.53 of 255).
inline constexpr PixelStatistics kImageNetPixels{{0.485f, 0.456f, 0.406f},
                                                 {0.229f, 0.224f, 0.225f}};

}  // namespace slimreel

#endif  // MODELS_RGB_PIXEL_STATISTICS_H_
