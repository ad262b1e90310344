#include "models/spec/spec_text.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

template <typename Number>
std::string TextOf(const std::optional<Number>& number) {
  return number ? absl::StrCat(*number) : "default";
}

}  // namespace

std::string WorkOf(const ModelSpec& spec) {
  // Names every field, so that a new one does not compile until it is added below or left out.
  const auto& [name, num_classes, num_frames, height, width, num_persons, num_keypoints,
               heatmap_size, heatmap_sigma, temporal_pooling, fusion, audio_frames, text_tokens,
               dropout, drop_path, label_smoothing, class_weights, loss_weights, seed, dtype,
               device] = spec;
  static_cast<void>(seed);
  return absl::StrCat(
      name, " classes ", num_classes, " frames ", num_frames, " ", height, "x", width, " persons ",
      num_persons, " keypoints ", num_keypoints, " heatmap ", TextOf(heatmap_size), " sigma ",
      heatmap_sigma, " pooling ", static_cast<int>(temporal_pooling), " fusion ",
      static_cast<int>(fusion), " audio ", audio_frames, " tokens ", text_tokens, " dropout ",
      TextOf(dropout), " drop_path ", TextOf(drop_path), " smoothing ", label_smoothing,
      " class_weights ", class_weights.size(), " loss_weights ", loss_weights[0], ",",
      loss_weights[1], " ", c10::toString(dtype), " ", c10::DeviceTypeName(device, true));
}

}  // namespace slimreel
