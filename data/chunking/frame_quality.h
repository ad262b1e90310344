// Measures how usable a frame is, from its stored pixels only. Pure.
#ifndef DATA_CHUNKING_FRAME_QUALITY_H_
#define DATA_CHUNKING_FRAME_QUALITY_H_

#include <cstdint>

#include "data/decode/frame_size.h"

namespace slimreel {

struct FrameQuality {
  double blur = 0;      // variance of the Laplacian of the luma: low is blurred
  double darkness = 0;  // mean luma, 0..255: low is dark
  double flatness = 0;  // standard deviation of the luma: low is flat
  // 0..1: the least of blur / (blur + 100), darkness / 40 and flatness / 20 (each at most 1).
  // Black, empty and heavily blurred frames are near 0, ordinary ones above 0.5. Source of the
  // variance of the Laplacian as a focus measure: Pech-Pacheco et al., "Diatom autofocusing in
  // brightfield microscopy", ICPR 2000.
  double score = 0;
};

// `rgb`: [height, width, 3] uint8. The luma has the weights of BT.601.
FrameQuality MeasureQuality(const uint8_t* rgb, const FrameSize& size);

}  // namespace slimreel

#endif  // DATA_CHUNKING_FRAME_QUALITY_H_
