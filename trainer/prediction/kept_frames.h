// Reads the frames of a raw video as prepare stores them: resized, and without those under the
// quality threshold.
//
// Threading: one thread. Ownership: owns the decoder and one frame. It holds no tensor.
#ifndef TRAINER_PREDICTION_KEPT_FRAMES_H_
#define TRAINER_PREDICTION_KEPT_FRAMES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/decode/frame_size.h"
#include "data/decode/video_decoder.h"
#include "trainer/prediction/predict_options.h"

namespace slimreel {

class KeptFrames {
 public:
  // `crop`: what CopyCrop copies. `options` must outlive the object. Errors: the decoder's.
  static absl::StatusOr<KeptFrames> Open(const std::string& path, FrameSize crop,
                                         const PredictOptions& options);

  // Moves to the next frame that is kept. False: there is none, or a stop was asked for. Errors:
  // the decoder's; InvalidArgument: frames are smaller than the crop.
  absl::StatusOr<bool> Next();
  // Writes the centre crop of the frame that Next moved to: [3, height, width].
  void CopyCrop(uint8_t* planes) const;

  int64_t num_decoded() const { return num_decoded_; }  // frames, also those that are not kept
  // Why only a part of the file could be read; empty: all of it was.
  std::string Partial() const { return PartialReason(decoder_->stats()); }

 private:
  KeptFrames(std::string path, FrameSize crop, const PredictOptions& options,
             std::unique_ptr<VideoDecoder> decoder);

  std::string path_;
  FrameSize crop_;
  const PredictOptions* options_;
  std::unique_ptr<VideoDecoder> decoder_;
  std::vector<uint8_t> rgb_;  // the frame that Next moved to
  int64_t num_decoded_ = 0;
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_KEPT_FRAMES_H_
