// Converts decoded frames of any pixel format to upright RGB24 frames of one size. It uses the
// filters that the ffmpeg program inserts, so the bytes equal those of `ffmpeg -pix_fmt rgb24`.
// See Note [Same filters as ffmpeg] in rgb_converter.cc.
//
// Threading: one thread at a time.
#ifndef DATA_DECODE_RGB_CONVERTER_H_
#define DATA_DECODE_RGB_CONVERTER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/decode/frame_size.h"
#include "data/decode/libav_handles.h"

namespace slimreel {

// A display matrix in the form that containers and codecs use (libavutil/display.h).
using DisplayMatrix = std::array<int32_t, 9>;

// The clockwise rotation that makes the stored picture upright, in degrees, 0 to 359.
double ClockwiseRotation(const DisplayMatrix& matrix);

// The filters (name, arguments) that make a picture with `matrix` upright; they undo flips too. As
// configure_input_video_filter in ffmpeg_filter.c of FFmpeg 5.1.
std::vector<std::pair<std::string, std::string>> UprightFilters(const DisplayMatrix& matrix);

struct RgbConverterOptions {
  FrameSizing sizing;
  int threads = 1;               // for swscale
  AVRational time_base{1, 25};   // of the stream; does not change pixels
  int64_t max_output_bytes = 0;  // of an RGB frame; 0: no bound
};

class RgbConverter {
 public:
  explicit RgbConverter(const RgbConverterOptions& options) : options_(options) {}

  // `stream_matrix` is used if the frame has no matrix of its own. Takes the frame's buffers. The
  // result is RGB24 with padded rows and is valid until the next call. All results have the size of
  // the first one. Errors: those of the machine, or the reasons `frame_too_large` (before memory is
  // allocated) and `no_conversion`.
  absl::StatusOr<const AVFrame*> Convert(AVFrame* frame,
                                         const std::optional<DisplayMatrix>& stream_matrix);

  FrameSize upright_size() const { return upright_; }  // of the latest frame, before resizing
  FrameSize output_size() const { return output_; }
  double rotation() const { return rotation_; }
  // How often the pixel size or the rotation changed after the first frame.
  int64_t size_changes() const { return size_changes_; }

 private:
  struct Input {
    FrameSize size;
    int format = -1;
    AVRational aspect{0, 1};
    std::optional<DisplayMatrix> matrix;
    bool SameGraph(const Input& other) const;
  };

  absl::Status Configure(const Input& input);
  absl::Status BuildGraph(const Input& input, std::string_view scaler_flags);
  absl::Status Append(std::string_view filter, const std::string& args, AVFilterContext** last);

  const RgbConverterOptions options_;
  std::optional<Input> input_;
  FrameSize upright_;
  FrameSize output_;
  double rotation_ = 0;
  int64_t size_changes_ = 0;
  FilterGraphPtr graph_;
  AVFilterContext* source_ = nullptr;  // owned by graph_
  AVFilterContext* sink_ = nullptr;    // owned by graph_
  FramePtr rgb_ = NewFrame();
};

}  // namespace slimreel

#endif  // DATA_DECODE_RGB_CONVERTER_H_
