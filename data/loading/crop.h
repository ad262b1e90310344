// Where in a stored frame the model's crop lies. Pure functions.
#ifndef DATA_LOADING_CROP_H_
#define DATA_LOADING_CROP_H_

#include <cstdint>

namespace slimreel {

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

// The stored frame, scaled to `scaled` (equal to the stored size unless the
// frame is smaller than the crop), cut at (top, left), mirrored last.
struct Crop {
  ImageSize scaled;
  ImageSize size;
  int64_t top = 0;
  int64_t left = 0;
  bool flip = false;
};

// The smallest size of the same shape that covers `size` on both sides; `stored` where
// it already does.
ImageSize CoveringSize(ImageSize stored, ImageSize size);

// (scaled - size) / 2, rounded down, as mmaction2's CenterCrop.
Crop CentreCrop(ImageSize stored, ImageSize size);

// Uniform over all places; `top_bits` and `left_bits` decide.
Crop RandomCrop(ImageSize stored, ImageSize size, uint64_t top_bits, uint64_t left_bits);

}  // namespace slimreel

#endif  // DATA_LOADING_CROP_H_
