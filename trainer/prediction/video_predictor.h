// One raw video in, class probabilities out, in memory that does not grow with
// the video's length.
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
  std::vector<double> probabilities;  // their softmax
  int64_t label = 0;                  // of the highest
  int64_t frames = 0;
  int64_t clips = 0;
  // Why the file did not give all that it holds (a reason code of data/decode/media_error.h);
  // empty: it did.
  std::string partial;
};

// Unimplemented, with the reason, for a model that reads more than the frames of a video.
absl::Status CheckPredictable(const Model& model);

// The video is resized, filtered and cut into chunks as prepare did it with the data that
// the model was trained on; one chunk of cropped frames is held at a time, and one clip is
// in the model at a time. Errors: the decoder's (with its reason code); InvalidArgument for
// frames smaller than the crop; DataLoss for a file without a frame, and for scores that
// are no numbers; Unimplemented for a model that takes more than frames; Cancelled where a stop
// was asked for, which is looked at while a frame is decoded and before each clip.
absl::StatusOr<VideoPrediction> PredictVideo(const Model& model, const std::string& path,
                                             const PredictOptions& options);

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_VIDEO_PREDICTOR_H_
