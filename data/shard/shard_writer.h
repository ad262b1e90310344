// Writes the samples of one split into shards (tar + index), rolling over at a
// size. The bytes are a function of the samples and options alone.
//
// Who calls it: data/pipeline. Threading: one thread at a time.
// A shard appears under its name only when complete; what was not published is
// removed when the writer dies. Memory: one sample's members are the caller's,
// nothing is copied but headers and the shard's index.
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
  std::string folder;           // made if it does not exist
  std::string split = "train";  // letters, digits, '_': the file name's first word
  int part = 0;                 // 1..num_parts for train-p03of16-000000.tar; 0: no parts
  int num_parts = 0;
  int64_t first_shard = 0;                        // number of the first shard written
  int64_t shard_size_bytes = int64_t{128} << 20;  // a shard is closed before it passes this,
                                                  // unless one sample alone is larger
  absl::Status Validate() const;
};

// Frames of a sample as runs of equal-sized RGB frames in memory, so that the
// caller need not gather them: [num_frames, height, width, 3] uint8 each.
struct FrameRun {
  const uint8_t* data = nullptr;
  int64_t num_frames = 0;
};

// A further member: "<key>.<suffix>" ("kpts.npy", "audio.npy", "0000.jpg").
struct MemberData {
  std::string suffix;
  std::string_view content;  // for .npy: the whole file (see NpyFile in npy.h)
};

struct Sample {
  std::string key;     // no dots, no leading or trailing '/', no "..", unique in the split
  std::string source;  // path of the source video as a person knows it; chunks of one share it
  int64_t label = -1;  // -1: none
  int64_t height = 0;  // of the stored frames
  int64_t width = 0;
  std::vector<FrameRun> frames;     // empty: no <key>.frames.npy
  int64_t num_frames = 0;           // read only where `frames` is empty (encoded images)
  std::vector<MemberData> members;  // written after frames, in this order
  SampleOrigin origin;              // not known: none is stored
  // <key>.json is this object; "source", "label", "num_frames", "height" and "width" are
  // set by the writer, and where the origin is known "origin", "chunk" and "last_chunk".
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
  // InvalidArgument: options; PermissionDenied and the like: the folder.
  static absl::StatusOr<std::unique_ptr<ShardWriter>> Create(const ShardWriterOptions& options);
  virtual ~ShardWriter() = default;

  // Errors: InvalidArgument (the sample), ResourceExhausted (disk full, with the
  // path). After an error of the disk the writer takes no more samples; complete
  // shards stay.
  virtual absl::Status Add(const Sample& sample) = 0;

  // Publishes the shard in hand, if it has samples; the next sample starts a new one.
  virtual absl::Status Flush() = 0;

  // In order, of this writer.
  virtual const std::vector<PublishedShard>& published() const = 0;
};

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_WRITER_H_
