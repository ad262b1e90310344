// Where chunks become samples: the shard writer, and the log of what is published.
//
// Who calls it: Prepare, from one thread, input after input.
#ifndef DATA_PIPELINE_SAMPLE_SINK_H_
#define DATA_PIPELINE_SAMPLE_SINK_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/chunk_video.h"
#include "data/pipeline/run_state.h"
#include "data/shard/shard_reader.h"
#include "data/shard/shard_writer.h"

namespace slimreel {

class SampleSink {
 public:
  // `state`: what stands already; shards are numbered on behind it.
  static absl::StatusOr<std::unique_ptr<SampleSink>> Create(const ShardWriterOptions& options,
                                                            RunState state,
                                                            const std::string& state_path);

  absl::Status AddChunk(const InputRecord& input, const DescribedChunk& chunk);
  // A sample of an earlier run under the key of chunk `number`: the same frames
  // and keypoints, bit for bit, and the same description.
  absl::Status AddCopy(const InputRecord& input, int64_t number, const ShardDataset& from,
                       int64_t sample);
  absl::Status FinishInput(const InputRecord& input);
  // Publishes the last shard.
  absl::Status Finish();
  // Marks the log; after everything else is in place.
  absl::Status Complete() { return log_->Complete(); }

  const RunState& state() const { return state_; }

 private:
  SampleSink(std::unique_ptr<ShardWriter> writer, std::unique_ptr<RunLog> log, RunState state)
      : writer_(std::move(writer)), log_(std::move(log)), state_(std::move(state)) {}
  absl::Status Add(const InputRecord& input, Sample sample);
  absl::Status LogPublished(bool closed_by_end);

  std::unique_ptr<ShardWriter> writer_;
  std::unique_ptr<RunLog> log_;
  RunState state_;
  std::deque<std::string> pending_keys_;  // added, in no published shard yet
  std::optional<InputRecord> open_input_;
  size_t logged_ = 0;  // of writer_->published()
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SAMPLE_SINK_H_
