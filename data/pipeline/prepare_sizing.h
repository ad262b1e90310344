// Divides a budget of host memory between decoders and chunks that wait. Pure.
#ifndef DATA_PIPELINE_PREPARE_SIZING_H_
#define DATA_PIPELINE_PREPARE_SIZING_H_

#include <cstdint>

namespace slimreel {

// Estimate of what a working decoder holds besides its chunks, made before any video is open:
// full-HD H.264 on one thread with its reference pictures. (Measured with three of them, frames
// resized: 7 MiB for 720 x 480, 23 MiB for 1920 x 1080, 87 MiB for 3840 x 2160.)
inline constexpr int64_t kDecoderBytes = int64_t{32} << 20;

struct PrepareSizing {
  int num_workers = 1;
  int64_t memory_bytes = 0;  // PrepareOptions::memory_bytes
  bool lowered = false;      // fewer decoders than wanted
};

// Decoders take at most half of the budget, but there is always one. Chunks get the rest, and
// never less than half. Chunks that do not fit go to files.
PrepareSizing SizePreparation(int wanted_workers, int64_t budget_bytes);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_SIZING_H_
