// Predicts the class of one raw video, in memory that does not grow with the video's length.
//
// Threading: one thread.
#ifndef TRAINER_PREDICTION_VIDEO_PREDICTOR_H_
#define TRAINER_PREDICTION_VIDEO_PREDICTOR_H_

#include <cstdint>
#include <string>
#include <vector>

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

// Resizes, filters and cuts the video into chunks as prepare did with the data that the model was
// trained on. It holds one chunk of cropped frames at a time and runs one clip at a time. Errors:
// - the decoder's, with its reason code;
// - InvalidArgument: frames are smaller than the crop;
// - DataLoss: the file has no frame, or the scores are NaN or infinite;
// - Unimplemented: the model reads more than frames;
// - Cancelled: a stop was asked for. This is checked while a frame is decoded and before each clip.
absl::StatusOr<VideoPrediction> PredictVideo(const Model& model, const std::string& path,
                                             const PredictOptions& options);

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_VIDEO_PREDICTOR_H_
