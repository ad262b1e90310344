// How many videos are decoded at once, and how many bytes of chunks wait, within a
// budget of host memory. Pure numbers; called by data/prepare_flags.cc.
#ifndef DATA_PIPELINE_PREPARE_SIZING_H_
#define DATA_PIPELINE_PREPARE_SIZING_H_

#include <cstdint>

namespace slimreel {

// What a decoder at work holds beside its chunks, as an estimate before any video is
// open: full-HD H.264 on one thread with its reference pictures. (Measured with three of
// them, frames resized: 7 MiB for 720 x 480, 23 MiB for 1920 x 1080, 87 MiB for 3840 x 2160.)
inline constexpr int64_t kDecoderBytes = int64_t{32} << 20;

struct PrepareSizing {
  int num_workers = 1;
  int64_t memory_bytes = 0;  // PrepareOptions::memory_bytes
  bool lowered = false;      // fewer decoders than wanted
};

// Decoders take at most half of the budget, but one there always is; chunks get the
// rest, never less than half: what has no room there waits in files.
PrepareSizing SizePreparation(int wanted_workers, int64_t budget_bytes);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_SIZING_H_
