#include "models/factory/rgb_models.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "models/rgb/frame_resnet.h"
#include "models/rgb/frames_model.h"
#include "models/rgb/inflated_resnet.h"
#include "models/rgb/r3d.h"
#include "models/rgb/timesformer.h"
#include "models/rgb/video_vit.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

ModelResult R3dModel(const R3dConfig& config, const ModelSpec& spec) {
  // After four or five halvings, 32 pixels are still two or one.
  SLIMREEL_RETURN_IF_ERROR(RequireMinImageSize(32, spec));
  SLIMREEL_RETURN_IF_ERROR(RefuseDropPath(spec));
  return MakeFramesModel(spec, kKineticsPixels, MakeR3dStages(config, spec));
}

ModelResult FrameResNetModel(const FrameResNetConfig& config, const ModelSpec& spec) {
  SLIMREEL_RETURN_IF_ERROR(RequireMinImageSize(32, spec));
  SLIMREEL_RETURN_IF_ERROR(RefuseDropPath(spec));
  return MakeFramesModel(spec, kImageNetPixels, MakeFrameResNetStages(config, spec));
}

// Height and width must be multiples of the patch.
absl::Status RequirePatches(int64_t patch, const ModelSpec& spec) {
  if (spec.height % patch == 0 && spec.width % patch == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("model ", spec.name, " takes image sizes that are multiples of ", patch,
                   ", not ", spec.height, "x", spec.width, " (data.img_size)"));
}

ModelResult VideoVitModel(const VideoVitConfig& config, const ModelSpec& spec) {
  if (spec.num_frames % config.tubelet != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("model ", spec.name, " takes a number of frames that is a multiple of ",
                     config.tubelet, ", not ", spec.num_frames, " (data.num_frames)"));
  }
  SLIMREEL_RETURN_IF_ERROR(RequirePatches(config.patch, spec));
  return MakeFramesModel(spec, kImageNetPixels, MakeVideoVitStages(config, spec));
}

}  // namespace

ModelResult R3dNanoModel(const ModelSpec& spec) { return R3dModel(R3dNano(), spec); }
ModelResult R3d18Model(const ModelSpec& spec) { return R3dModel(R3d18(), spec); }
ModelResult Mc3R18Model(const ModelSpec& spec) { return R3dModel(Mc3R18(), spec); }
ModelResult R2Plus1dR18Model(const ModelSpec& spec) { return R3dModel(R2Plus1dR18(), spec); }

ModelResult ResNet18Model(const ModelSpec& spec) { return FrameResNetModel(ResNet18(), spec); }
ModelResult ResNet50Model(const ModelSpec& spec) { return FrameResNetModel(ResNet50(), spec); }

ModelResult SlowOnlyR50Model(const ModelSpec& spec) {
  SLIMREEL_RETURN_IF_ERROR(RequireMinImageSize(32, spec));
  SLIMREEL_RETURN_IF_ERROR(RefuseDropPath(spec));
  return MakeFramesModel(
      spec, kImageNetPixels,
      MakeInflatedResNetStages(SlowOnlyR50(), MakeClassifierOptions(spec, kInflatedHeadDropout)));
}

ModelResult VideoVitNanoModel(const ModelSpec& spec) { return VideoVitModel(VideoVitNano(), spec); }
ModelResult VideoVitTinyModel(const ModelSpec& spec) { return VideoVitModel(VideoVitTiny(), spec); }
ModelResult VideoVitSmallModel(const ModelSpec& spec) {
  return VideoVitModel(VideoVitSmall(), spec);
}

ModelResult VideoVitBaseModel(const ModelSpec& spec) { return VideoVitModel(VideoVitBase(), spec); }

ModelResult TimesformerBaseModel(const ModelSpec& spec) {
  const TimesformerConfig config = TimesformerBase();
  SLIMREEL_RETURN_IF_ERROR(RequirePatches(config.patch, spec));
  return MakeFramesModel(spec, kTimesformerPixels, MakeTimesformerStages(config, spec));
}

}  // namespace slimreel
