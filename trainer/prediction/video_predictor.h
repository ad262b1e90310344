// Predicts the class of raw videos, within a budget and in memory that does not grow with a video's
// length.
//
// Threading: one thread. Ownership: borrows the model.
#ifndef TRAINER_PREDICTION_VIDEO_PREDICTOR_H_
#define TRAINER_PREDICTION_VIDEO_PREDICTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/chain/model.h"
#include "trainer/prediction/predict_options.h"

namespace slimreel {

struct VideoPrediction {
  std::vector<double> logits;         // [num_classes]: mean over the clips (scores.h)
  std::vector<double> probabilities;  // softmax of the logits
  int64_t label = 0;                  // class of the highest probability
  int64_t frames = 0;
  int64_t clips = 0;
  // Why only a part of the file could be read (a reason code of data/decode/media_error.h). Empty:
  // all of it was read.
  std::string partial;
};

// Unimplemented, with the reason, if the model reads more than the frames of a video.
absl::Status CheckPredictable(const Model& model);

class VideoPredictor {
 public:
  // `model` must outlive the predictor.
  VideoPredictor(const Model& model, PredictOptions options);

  // Resizes, filters and cuts the video into chunks as prepare did with the data that the model was
  // trained on. One clip at a time is in the model. The frames of one chunk are held; if they do
  // not fit the budget, the video is read again and only the frames of some clips are held, then of
  // one. The prediction is the same to the bit, and later videos start with what fitted. Errors:
  // - the decoder's, with its reason code;
  // - InvalidArgument: frames are smaller than the crop;
  // - DataLoss: the file has no frame, or the scores are NaN or infinite;
  // - Unimplemented: the model reads more than frames;
  // - Cancelled: a stop was asked for. This is checked while a frame is decoded and before each
  //   clip;
  // - NothingFits: a single clip does not fit.
  absl::StatusOr<VideoPrediction> Predict(const std::string& path);

  // Of every chunk, the frames of so many clips are held at once; 0: all frames of a chunk.
  int64_t clips_at_once() const { return clips_at_once_; }

 private:
  absl::Status HoldLess(const std::string& path);

  const Model& model_;
  PredictOptions options_;
  int64_t clips_at_once_ = 0;
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_VIDEO_PREDICTOR_H_
