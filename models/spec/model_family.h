// The families of models. A family says which parts of a sample its models read.
//
// `FamilyOf(name)` in models/factory/factory.h gives the family of a model's name.
#ifndef MODELS_SPEC_MODEL_FAMILY_H_
#define MODELS_SPEC_MODEL_FAMILY_H_

namespace slimreel {

enum class ModelFamily { kRgb, kPose, kRgbPose, kSpeech };

// The parts of a sample that models read.
struct ModelNeeds {
  bool frames = false;
  bool keypoints = false;
  bool audio = false;
};

constexpr ModelNeeds NeedsOf(ModelFamily family) {
  return {.frames = family == ModelFamily::kRgb || family == ModelFamily::kRgbPose,
          .keypoints = family == ModelFamily::kPose || family == ModelFamily::kRgbPose,
          .audio = family == ModelFamily::kSpeech};
}

// As `//models:model list` prints it.
constexpr const char* FamilyName(ModelFamily family) {
  switch (family) {
    case ModelFamily::kRgb:
      return "rgb";
    case ModelFamily::kPose:
      return "pose";
    case ModelFamily::kRgbPose:
      return "rgb+pose";
    case ModelFamily::kSpeech:
      return "speech";
  }
  return "";
}

}  // namespace slimreel

#endif  // MODELS_SPEC_MODEL_FAMILY_H_
