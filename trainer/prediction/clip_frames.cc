#include "trainer/prediction/clip_frames.h"

#include <ATen/ops/empty.h>

#include <cstring>
#include <set>

#include "memory/tracking/memory_tag.h"

namespace slimreel {

uint8_t* ClipFrames::Add(int64_t number) {
  const TagScope scope(MemoryTag::kInput);
  const at::Tensor frame = at::empty({3, height_, width_}, at::kByte);
  frames_[number] = frame;
  return frame.mutable_data_ptr<uint8_t>();
}

at::Tensor ClipFrames::Clip(const std::vector<int64_t>& numbers) const {
  const auto length = static_cast<int64_t>(numbers.size());
  const int64_t plane = height_ * width_;
  const TagScope scope(MemoryTag::kInput);
  const at::Tensor clip = at::empty({1, 3, length, height_, width_}, at::kByte);
  uint8_t* const out = clip.mutable_data_ptr<uint8_t>();
  for (int64_t t = 0; t < length; ++t) {
    const auto* const frame = frames_.at(numbers[t]).const_data_ptr<uint8_t>();
    for (int64_t c = 0; c < 3; ++c) {
      std::memcpy(out + (c * length + t) * plane, frame + c * plane, static_cast<size_t>(plane));
    }
  }
  return clip;
}

void NeededFrames::AddClip(const std::vector<int64_t>& numbers) {
  for (const int64_t number : std::set<int64_t>(numbers.begin(), numbers.end())) ++uses_[number];
}

std::vector<int64_t> NeededFrames::RemoveClip(const std::vector<int64_t>& numbers) {
  std::vector<int64_t> unneeded;
  for (const int64_t number : std::set<int64_t>(numbers.begin(), numbers.end())) {
    if (--uses_.at(number) > 0) continue;
    uses_.erase(number);
    unneeded.push_back(number);
  }
  return unneeded;
}

}  // namespace slimreel
