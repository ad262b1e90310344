#include "data/pipeline/prepare_options.h"

#include "absl/strings/str_cat.h"

namespace slimreel {

absl::Status PrepareOptions::Validate() const {
  if (inputs.empty()) {
    return absl::InvalidArgumentError(
        "--input is missing: give folders, lists of `path label` lines or videos");
  }
  if (output.empty()) return absl::InvalidArgumentError("--output=DIR is missing");
  if (split != "train" && split != "val" && split != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split=", split, " is not train, val or test"));
  }
  if (data.fps.has_value() || data.frame_codec != FrameCodec::kRaw) {
    return absl::UnimplementedError("data.fps and data.frame_codec=jpeg are not yet available");
  }
  if (!data.load_rgb.value_or(true) && !data.load_kpt.value_or(true)) {
    return absl::InvalidArgumentError(
        "data.load_rgb and data.load_kpt are both false: samples would be empty. Set one to true");
  }
  if (!data.load_rgb.value_or(true) && data.quality_threshold > 0) {
    return absl::InvalidArgumentError(
        "data.quality_threshold needs the pixels of frames, and data.load_rgb=false does not read "
        "them. Remove one of the two");
  }
  return data.Validate();
}

}  // namespace slimreel
