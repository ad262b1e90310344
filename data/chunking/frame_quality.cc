#include "data/chunking/frame_quality.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace slimreel {
namespace {

constexpr double kSharpVariance = 100;  // half of the score
constexpr double kBrightMean = 40;
constexpr double kTexturedDeviation = 20;

}  // namespace

FrameQuality MeasureQuality(const uint8_t* rgb, const FrameSize& size) {
  const cv::Mat frame(size.height, size.width, CV_8UC3, const_cast<uint8_t*>(rgb));
  cv::Mat luma, laplacian;
  cv::cvtColor(frame, luma, cv::COLOR_RGB2GRAY);
  cv::Laplacian(luma, laplacian, CV_16S);
  cv::Scalar mean, deviation;
  FrameQuality quality;
  cv::meanStdDev(laplacian, mean, deviation);
  quality.blur = deviation[0] * deviation[0];
  cv::meanStdDev(luma, mean, deviation);
  quality.darkness = mean[0];
  quality.flatness = deviation[0];
  quality.score = std::min({quality.blur / (quality.blur + kSharpVariance),
                            std::min(1.0, quality.darkness / kBrightMean),
                            std::min(1.0, quality.flatness / kTexturedDeviation)});
  return quality;
}

}  // namespace slimreel
