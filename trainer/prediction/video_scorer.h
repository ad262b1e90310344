// Scores the clips of one video in one of two ways, with the same bits.
//
//   ScoreChunks   reads the video once and holds the frames of one chunk
//   ScoreClips    reads it to count its frames, then once for each group of clips, and holds only
//                 the frames that the clips of the group still need
//
// Threading: one thread. Ownership: borrows the model; an object serves one call.
#ifndef TRAINER_PREDICTION_VIDEO_SCORER_H_
#define TRAINER_PREDICTION_VIDEO_SCORER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/chunking/chunk_rule.h"
#include "data/decode/frame_size.h"
#include "models/chain/model.h"
#include "trainer/prediction/clip_frames.h"
#include "trainer/prediction/predict_options.h"

namespace slimreel {

struct VideoScores {
  std::vector<double> sum;  // [num_classes]: logits, summed over the clips in their order
  int64_t clips = 0;
  int64_t frames = 0;   // decoded
  std::string partial;  // why only a part of the file could be read
};

class VideoScorer {
 public:
  // All must outlive the object.
  VideoScorer(const Model& model, const PredictOptions& options, const std::string& path);

  // A stop that was asked for ends both early. Errors: see VideoPredictor::Predict. They throw
  // c10::OutOfMemoryError. No clip: no frame was kept.
  absl::StatusOr<VideoScores> ScoreChunks();
  // `clips_at_once` >= 1: clips of a chunk in a group. DataLoss also if the file changes meanwhile.
  absl::StatusOr<VideoScores> ScoreClips(int64_t clips_at_once);

 private:
  struct Chunk {
    int64_t first = 0;  // kept frame of the video
    int64_t frames = 0;
  };
  struct OpenClip {
    int64_t id = 0;
    std::vector<int64_t> frames;
    int64_t last = 0;
  };

  std::vector<int64_t> FramesOfClip(const Chunk& chunk, int64_t number) const;
  std::vector<Chunk> CutChunks(int64_t kept) const;
  absl::StatusOr<int64_t> CountKept();
  absl::Status ScoreGroup(const std::vector<Chunk>& chunks, int64_t first, int64_t last);
  void Score(int64_t id, const std::vector<int64_t>& frames);
  void AddInOrder(int64_t id, const at::Tensor& row);

  const PredictOptions& options_;
  const std::string& path_;
  std::vector<Stage*> chain_;
  ChunkRule rule_;
  FrameSize crop_;
  int64_t clip_frames_;
  ClipFrames held_;
  VideoScores scores_;
  // Rows of clips that came before an earlier one: a sum in another order has other bits.
  std::map<int64_t, std::vector<double>> waiting_;
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_VIDEO_SCORER_H_
