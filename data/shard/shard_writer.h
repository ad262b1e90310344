// Writes the samples of one split into shards (tar and index). A new shard starts at
// a given size. The bytes depend only on the samples and the options.
//
// Threading: one thread at a time.
// A shard gets its name only when it is complete. The destructor removes an
// unpublished shard.
// Memory: the caller owns the members of a sample. The writer copies only headers
// and keeps the index of the current shard.
#ifndef DATA_SHARD_SHARD_WRITER_H_
#define DATA_SHARD_SHARD_WRITER_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/shard/sample_origin.h"

namespace slimreel {

struct ShardWriterOptions {
  std::string folder;           // created if it does not exist
  std::string split = "train";  // letters, digits and '_'; starts the file names
  int part = 0;                 // 1..num_parts (train-p03of16-000000.tar); 0: no parts
  int num_parts = 0;
  int64_t first_shard = 0;  // number of the first shard that is written
  // Upper bound of a shard. A single sample that is larger gets a shard of its own.
  int64_t shard_size_bytes = int64_t{128} << 20;
  absl::Status Validate() const;
};

// A run of frames of a sample: [num_frames, height, width, 3] uint8 RGB. A sample is written from
// several runs, so that the caller need not copy them together.
struct FrameRun {
  const uint8_t* data = nullptr;
  int64_t num_frames = 0;
};

// Another member of a sample: the file "<key>.<suffix>" ("kpts.npy", "audio.npy", "0000.jpg").
struct MemberData {
  std::string suffix;
  std::string_view content;  // .npy: the whole file (NpyFile in npy.h)
};

struct Sample {
  std::string key;     // no dots, no leading or trailing '/', no "..", unique in the split
  std::string source;  // path of the source video; all its chunks have the same
  int64_t label = -1;  // -1: none
  int64_t height = 0;  // of the stored frames
  int64_t width = 0;
  std::vector<FrameRun> frames;     // empty: no <key>.frames.npy
  int64_t num_frames = 0;           // read only if `frames` is empty (encoded images)
  std::vector<MemberData> members;  // written after frames, in this order
  SampleOrigin origin;              // stored only if known
  // Stored as <key>.json. The writer sets "source", "label", "num_frames", "height" and "width",
  // and, if the origin is known, "origin", "chunk" and "last_chunk".
  nlohmann::json metadata = nlohmann::json::object();
};

struct PublishedShard {
  std::string path;  // of the .tar
  int64_t num_samples = 0;
  int64_t num_frames = 0;
  int64_t bytes = 0;
};

class ShardWriter {
 public:
  // InvalidArgument: wrong options. Other errors: the folder cannot be created.
  static absl::StatusOr<std::unique_ptr<ShardWriter>> Create(const ShardWriterOptions& options);
  virtual ~ShardWriter() = default;

  // InvalidArgument: a wrong sample; the writer goes on. ResourceExhausted (with the path): the
  // disk is full. After an error of the disk every call returns it again; published shards stay.
  virtual absl::Status Add(const Sample& sample) = 0;

  // Publishes the current shard if it has samples. The next sample starts a new one.
  virtual absl::Status Flush() = 0;

  // The shards that this writer published, in order.
  virtual const std::vector<PublishedShard>& published() const = 0;
};

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_WRITER_H_
