#include "data/decode/rgb_converter.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/decode/frame_bytes.h"
#include "data/decode/media_error.h"
#include "data/decode/system_error.h"

namespace slimreel {

// Note [Same filters as ffmpeg]
//
// Colour conversion has many right answers: chroma position, matrix, range, dithering and the order
// of rotation and scaling all change some bytes by one or more. Stored frames must equal those that
// users see when they check with ffmpeg. So this code builds the same graph as the ffmpeg program:
//
//   buffer -> [transpose | hflip, vflip | rotate] -> [scale] -> format=rgb24 -> buffersink
//
// - Rotation comes first, in the decoded pixel format, as ffmpeg's autorotate does.
// - If a size is asked for, `scale=W:H:flags=bilinear` resizes the planes and converts in one step.
//   If not, libavfilter inserts the conversion itself, with the flags that the ffmpeg program gives
//   it (bicubic).
// - The scale filter reads range and matrix from each frame, knows the chroma position, and writes
//   into padded rows. (swscale writes past the end of rows without padding.)
// - If a stream changes its size, format or rotation, a new graph is built. If no size is asked
//   for, later frames then go through `scale=W:H:flags=bicubic` to the size of the first one, as
//   ffmpeg's "scaler_out" does.
// - If a size is asked for, later frames go from their own size to the stored one in one bilinear
//   step, as in a file without a change. (ffmpeg would put its second scaler after the first.)
namespace {

absl::Status FilterError(std::string_view what, int error) {
  constexpr char kStep[] = "conversion to RGB";
  if (absl::Status machine = MachineErrorOf(kStep, error); !machine.ok()) return machine;
  return MediaError(absl::StatusCode::kUnimplemented, kReasonNoConversion,
                    absl::StrCat(kStep, ": ", absl::string_view(what.data(), what.size()), ": ",
                                 LibavErrorText(error)));
}

std::optional<DisplayMatrix> MatrixOf(const AVFrame& frame) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side == nullptr || side->size < sizeof(DisplayMatrix)) return std::nullopt;
  DisplayMatrix matrix;
  std::memcpy(matrix.data(), side->data, sizeof(matrix));
  return matrix;
}

bool Near(double degrees, double target) { return std::fabs(degrees - target) < 1.0; }

}  // namespace

double ClockwiseRotation(const DisplayMatrix& matrix) {
  // As get_rotation in fftools: whole degrees, in [0, 360).
  double theta = -std::round(av_display_rotation_get(matrix.data()));
  if (std::isnan(theta)) return 0;
  theta -= 360 * std::floor(theta / 360 + 0.9 / 360);
  return theta;
}

std::vector<std::pair<std::string, std::string>> UprightFilters(const DisplayMatrix& matrix) {
  const double theta = ClockwiseRotation(matrix);
  if (Near(theta, 90)) return {{"transpose", matrix[3] > 0 ? "cclock_flip" : "clock"}};
  if (Near(theta, 270)) return {{"transpose", matrix[3] < 0 ? "clock_flip" : "cclock"}};
  std::vector<std::pair<std::string, std::string>> filters;
  if (Near(theta, 180)) {
    if (matrix[0] < 0) filters.emplace_back("hflip", "");
    if (matrix[4] < 0) filters.emplace_back("vflip", "");
  } else if (std::fabs(theta) > 1.0) {
    filters.emplace_back("rotate", absl::StrFormat("%f*PI/180", theta));
  } else if (matrix[4] < 0) {
    filters.emplace_back("vflip", "");
  }
  return filters;
}

bool RgbConverter::Input::SameGraph(const Input& other) const {
  return size == other.size && format == other.format && matrix == other.matrix;
}

absl::StatusOr<const AVFrame*> RgbConverter::Convert(
    AVFrame* frame, const std::optional<DisplayMatrix>& stream_matrix) {
  Input input{
      {frame->width, frame->height}, frame->format, frame->sample_aspect_ratio, MatrixOf(*frame)};
  if (!input.matrix) input.matrix = stream_matrix;
  if (!input_ || !input_->SameGraph(input)) SLIMREEL_RETURN_IF_ERROR(Configure(input));
  // The graph gives one frame for each frame and ignores times, so a missing pts does no harm.
  if (int error = av_buffersrc_add_frame_flags(source_, frame, AV_BUFFERSRC_FLAG_PUSH); error < 0) {
    return FilterError("buffer source", error);
  }
  if (rgb_ == nullptr) return FilterError("frame", AVERROR(ENOMEM));
  av_frame_unref(rgb_.get());
  if (int error = av_buffersink_get_frame(sink_, rgb_.get()); error < 0) {
    return FilterError("buffer sink", error);
  }
  return rgb_.get();
}

absl::Status RgbConverter::Configure(const Input& input) {
  const bool first = !input_.has_value();
  const FrameSize before = upright_;
  const double rotation_before = rotation_;
  rotation_ = input.matrix ? ClockwiseRotation(*input.matrix) : 0;
  upright_ = input.size;
  if (Near(rotation_, 90) || Near(rotation_, 270)) std::swap(upright_.width, upright_.height);
  if (first) {
    output_ = OutputSize(upright_, options_.sizing);
    SLIMREEL_RETURN_IF_ERROR(CheckOutputFrame(output_, options_.max_output_bytes));
  } else if (!(before == upright_) || rotation_before != rotation_) {
    ++size_changes_;
  }
  const bool sized = options_.sizing.short_side > 0 || options_.sizing.exact.width > 0;
  SLIMREEL_RETURN_IF_ERROR(BuildGraph(input, sized ? "bilinear" : first ? "" : "bicubic"));
  input_ = input;
  return absl::OkStatus();
}

// If `scaler_flags` is empty, the graph does not resize.
absl::Status RgbConverter::BuildGraph(const Input& input, std::string_view scaler_flags) {
  source_ = sink_ = nullptr;
  graph_.reset(avfilter_graph_alloc());
  if (graph_ == nullptr) return FilterError("graph", AVERROR(ENOMEM));
  graph_->nb_threads = options_.threads;
  graph_->scale_sws_opts = av_strdup("flags=bicubic");
  if (graph_->scale_sws_opts == nullptr) return FilterError("graph", AVERROR(ENOMEM));
  AVFilterContext* last = nullptr;
  SLIMREEL_RETURN_IF_ERROR(Append(
      "buffer",
      absl::StrFormat("video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d",
                      input.size.width, input.size.height, input.format, options_.time_base.num,
                      options_.time_base.den, input.aspect.num, std::max(input.aspect.den, 1)),
      &last));
  source_ = last;
  if (input.matrix) {
    for (const auto& [filter, args] : UprightFilters(*input.matrix)) {
      SLIMREEL_RETURN_IF_ERROR(Append(filter, args, &last));
    }
  }
  if (!scaler_flags.empty()) {
    SLIMREEL_RETURN_IF_ERROR(
        Append("scale",
               absl::StrFormat("%d:%d:flags=%s", output_.width, output_.height,
                               absl::string_view(scaler_flags.data(), scaler_flags.size())),
               &last));
  }
  SLIMREEL_RETURN_IF_ERROR(Append("format", "pix_fmts=rgb24", &last));
  SLIMREEL_RETURN_IF_ERROR(Append("buffersink", "", &last));
  sink_ = last;
  if (int error = avfilter_graph_config(graph_.get(), nullptr); error < 0) {
    return FilterError(
        absl::StrFormat("no conversion from %s of %dx%d",
                        av_get_pix_fmt_name(static_cast<AVPixelFormat>(input.format)),
                        input.size.width, input.size.height),
        error);
  }
  return absl::OkStatus();
}

absl::Status RgbConverter::Append(std::string_view filter, const std::string& args,
                                  AVFilterContext** last) {
  const std::string name(filter);
  const AVFilter* type = avfilter_get_by_name(name.c_str());
  if (type == nullptr) {
    return MediaError(absl::StatusCode::kUnimplemented, kReasonNoConversion,
                      absl::StrCat("libavfilter was built without the filter ", name));
  }
  AVFilterContext* added = nullptr;
  if (int error =
          avfilter_graph_create_filter(&added, type, nullptr, args.c_str(), nullptr, graph_.get());
      error < 0) {
    return FilterError(name, error);
  }
  if (*last != nullptr) {
    if (int error = avfilter_link(*last, 0, added, 0); error < 0) return FilterError(name, error);
  }
  *last = added;
  return absl::OkStatus();
}

}  // namespace slimreel
