// Types and file names that the writer, the index and the reader of shards share.
// SHARD_FORMAT.md is the byte specification. Pure.
#ifndef DATA_SHARD_SHARD_TYPES_H_
#define DATA_SHARD_SHARD_TYPES_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace slimreel {

// The kind of a member of a sample. Index files store the values: never renumber them.
enum class MemberKind : uint16_t {
  kOther = 0,
  kJson = 1,       // <key>.json
  kFrames = 2,     // <key>.frames.npy  [T, H, W, 3] uint8 RGB
  kImage = 3,      // <key>.0000.jpg    one encoded frame; the ordinal is the number in the name
  kKeypoints = 4,  // <key>.kpts.npy    [M, T, V, 3] float32 x, y, score
  kAudio = 5,      // <key>.audio.npy   [N] int16, 16 kHz mono
  kMel = 6,        // <key>.mel.npy     [num_mels, T] float32
};

// The meaning of a member's suffix: its name without the key ("frames.npy", "0012.jpg").
struct MemberName {
  MemberKind kind = MemberKind::kOther;
  uint32_t ordinal = 0;  // kImage: number of the frame; otherwise 0
};
MemberName ParseMemberSuffix(std::string_view suffix);

// "json", "frames", ...: for messages and listings.
std::string_view MemberKindName(MemberKind kind);

// The properties of a sample that a loader needs, available without parsing its JSON.
struct SampleInfo {
  std::string_view key;  // valid as long as the dataset
  int64_t label = -1;    // -1: no label
  int64_t num_frames = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t video = 0;  // number of the source video in ShardDataset::videos()
  int64_t shard = 0;  // number in ShardDataset::shards()
};

// The frames of a sample inside the mapped shard: [num_frames, height, width, 3] uint8 RGB,
// contiguous; `data` is 64-byte aligned. Valid as long as the dataset.
struct FramesView {
  const uint8_t* data = nullptr;
  int64_t num_frames = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t frame_bytes() const { return height * width * 3; }
  int64_t bytes() const { return num_frames * frame_bytes(); }
  const uint8_t* frame(int64_t t) const { return data + t * frame_bytes(); }
};

// The keypoints of a sample inside the mapped shard: [persons, frames, joints, 3] float32: x, y
// in pixels of the stored frame, score. Contiguous; 4-byte aligned. Valid as long as the dataset.
struct KeypointsView {
  const float* data = nullptr;
  int64_t persons = 0;
  int64_t frames = 0;
  int64_t joints = 0;
  const float* joint(int64_t person, int64_t frame, int64_t joint) const {
    return data + ((person * frames + frame) * joints + joint) * 3;
  }
};

// The name of a shard file: <split>-000000.tar, or <split>-p03of16-000000.tar for a part.
struct ShardName {
  std::string split;
  int part = 0;  // from 1; 0: the split is not divided
  int num_parts = 0;
  int64_t number = 0;
};
std::string FormatShardName(const ShardName& name);  // with ".tar"
// False if `file_name` is not the name of a shard ("train-000000.idx" is not).
bool ParseShardName(std::string_view file_name, ShardName* name);
// ".../train-000000.tar" -> ".../train-000000.idx"
std::string IndexPathOf(std::string_view tar_path);

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_TYPES_H_
