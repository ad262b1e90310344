// Copies a crop of a packed RGB frame into the planes of a clip. The loader
// touches the pixels of a batch only here.
#ifndef DATA_LOADING_PLANAR_COPY_H_
#define DATA_LOADING_PLANAR_COPY_H_

#include <cstdint>

#include "data/loading/crop.h"

namespace slimreel {

// `frame`: [stored.height, stored.width, 3] uint8. Writes crop.size.height x crop.size.width
// pixels per channel. Channel c starts at out + c * plane_stride (bytes); rows are contiguous.
// Reads only the pixels of the crop, and nothing past the end of the frame. If crop.scaled is
// larger than `stored`, it scales: bilinear, half-pixel centres, edges repeated, rounded to
// nearest (PyTorch's interpolate with align_corners=False).
void CopyCropToPlanes(const uint8_t* frame, FrameSize stored, const Crop& crop,
                      int64_t plane_stride, uint8_t* out);

}  // namespace slimreel

#endif  // DATA_LOADING_PLANAR_COPY_H_
