#include "trainer/setup/run_loaders.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "trainer/setup/model_spec.h"

namespace slimreel {
namespace {

LoaderOptions CommonLoaderOptions(const Config& config) {
  LoaderOptions options;
  options.height = config.data.img_height;
  options.width = config.data.img_width;
  options.allow_upscale = config.data.allow_upscale;
  options.num_frames = config.data.num_frames;
  options.frame_interval = config.data.frame_interval;
  options.max_video_frames = config.data.max_video_frames;
  options.seed = static_cast<uint64_t>(config.seed);
  options.num_classes = config.model.num_classes;
  return options;
}

absl::Status RefuseUnread(const std::optional<bool>& wanted, absl::string_view key,
                          absl::string_view what, const Model& model) {
  if (wanted.value_or(true)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(key, " is false, but ", model.name, " reads ", what, "; leave the key out"));
}

}  // namespace

absl::Status RequestInputs(const Config& config, const Model& model, LoaderOptions* options) {
  options->frames = false;
  for (const InputSlot& slot : model.inputs) {
    const std::vector<int64_t>& sizes = slot.sizes;
    switch (slot.kind) {
      case InputKind::kFrames:  // [3, T, H, W]
        options->frames = true;
        options->num_frames = sizes[1];
        options->height = sizes[2];
        options->width = sizes[3];
        SLIMREEL_RETURN_IF_ERROR(
            RefuseUnread(config.data.load_rgb, "data.load_rgb", "frames", model));
        break;
      case InputKind::kKeypoints:  // [M, T, V, 3]
        options->keypoints = {sizes[0], sizes[1], sizes[2], HeatmapSize(config)};
        SLIMREEL_RETURN_IF_ERROR(
            RefuseUnread(config.data.load_kpt, "data.load_kpt", "keypoints", model));
        break;
      case InputKind::kLogMel:  // [mels, frames]
        options->log_mel = {sizes[0], sizes[1]};
        SLIMREEL_RETURN_IF_ERROR(
            RefuseUnread(config.data.load_audio, "data.load_audio", "audio", model));
        break;
      case InputKind::kTokens:  // [L]
        options->tokens = {sizes[0], model.num_classes};
        break;
    }
  }
  return absl::OkStatus();
}

ComputeResources FindResources(at::Device device) {
  return {.cores = std::max<int64_t>(1, std::thread::hardware_concurrency()),
          .step_threads = device.is_cpu() ? at::get_num_threads() : 1,
          .accelerator = !device.is_cpu()};
}

LoaderOptions TrainLoaderOptions(const Config& config, int64_t effective_batch) {
  LoaderOptions options = CommonLoaderOptions(config);
  options.sources = config.data.train;
  options.split = "train";
  options.sampling = config.data.sampling;
  options.augment = config.data.augment;
  options.training = true;
  options.batch_size = effective_batch;
  return options;
}

LoaderOptions EvaluationLoaderOptions(const Config& config, std::vector<std::string> sources,
                                      const std::string& split) {
  LoaderOptions options = CommonLoaderOptions(config);
  options.sources = std::move(sources);
  options.sources_key = absl::StrCat("data.", split);
  options.split = split;
  options.training = false;
  options.sampling = Sampling::kSequential;
  options.num_clips = config.evaluation.num_clips;
  options.batch_size = config.data.ResolvedEvalBatchSize();
  return options;
}

}  // namespace slimreel
