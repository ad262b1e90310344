// The frames of a video that are held to make clips of, and which of them are still needed.
//
// Threading: one thread. Ownership: owns its frames. They count as tensor memory, so a budget may
// refuse one.
#ifndef TRAINER_PREDICTION_CLIP_FRAMES_H_
#define TRAINER_PREDICTION_CLIP_FRAMES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <vector>

namespace slimreel {

// Frames by number, each [3, height, width] uint8.
class ClipFrames {
 public:
  ClipFrames(int64_t height, int64_t width) : height_(height), width_(width) {}

  // Memory for frame `number`, to be filled by the caller. Throws c10::OutOfMemoryError.
  uint8_t* Add(int64_t number);
  // Drops all frames before `number`.
  void DropBefore(int64_t number) { frames_.erase(frames_.begin(), frames_.lower_bound(number)); }
  void Drop(int64_t number) { frames_.erase(number); }
  int64_t size() const { return static_cast<int64_t>(frames_.size()); }

  // The clip [1, 3, T, height, width] uint8 of these frames, which must be held. A number may occur
  // more than once.
  at::Tensor Clip(const std::vector<int64_t>& numbers) const;

 private:
  int64_t height_;
  int64_t width_;
  std::map<int64_t, at::Tensor> frames_;
};

// Which frames the clips to come need, so that no other is held.
class NeededFrames {
 public:
  // Each distinct frame is counted once for a clip.
  void AddClip(const std::vector<int64_t>& numbers);
  // Returns the frames that no other clip needs.
  std::vector<int64_t> RemoveClip(const std::vector<int64_t>& numbers);
  bool Contains(int64_t number) const { return uses_.contains(number); }

 private:
  std::map<int64_t, int64_t> uses_;  // clips that need a frame, by its number
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_CLIP_FRAMES_H_
