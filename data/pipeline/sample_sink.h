// Turns chunks into samples and writes them, in the order of the calls, to the shard writer.
// Threading: one thread.
#ifndef DATA_PIPELINE_SAMPLE_SINK_H_
#define DATA_PIPELINE_SAMPLE_SINK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/source_video.h"
#include "data/shard/shard_file.h"
#include "data/shard/shard_writer.h"

namespace slimreel {

class SampleSink {
 public:
  static absl::StatusOr<std::unique_ptr<SampleSink>> Create(const ShardWriterOptions& options);

  absl::Status AddChunk(const SourceVideo& video, const DescribedChunk& chunk);
  // Copies a sample of an earlier preparation: the same frames and keypoints, bit for bit, and the
  // same description and origin, with the key and label that `video` has now. Checks its hashes.
  absl::Status AddCopy(const SourceVideo& video, const ShardFile& from, int64_t sample);
  // Publishes the last shard.
  absl::Status Finish() { return writer_->Flush(); }

  // In the order of their numbers.
  const std::vector<PublishedShard>& published() const { return writer_->published(); }

 private:
  explicit SampleSink(std::unique_ptr<ShardWriter> writer) : writer_(std::move(writer)) {}

  const std::unique_ptr<ShardWriter> writer_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SAMPLE_SINK_H_
