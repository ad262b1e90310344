#include "trainer/setup/run_options.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <thread>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "memory/policy/split.h"
#include "trainer/setup/precision.h"

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

bool IsOfFamily(const std::string& model_name, const std::string& family) {
  return absl::c_any_of(ModelTable(), [&](const ModelEntry& entry) {
    return entry.name == model_name && FamilyName(entry.family) == family;
  });
}

int64_t HeatmapSize(const Config& config) {
  if (config.data.heatmap.size.has_value()) return *config.data.heatmap.size;
  if (IsOfFamily(config.model.name, "rgb+pose")) return config.data.img_height / kPixelsPerHeatmap;
  return kHeatmapSize;
}

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

absl::StatusOr<at::Device> ResolveDevice(const std::string& device) {
  return ResolveDevice(device, at::hasCUDA() ? at::accelerator::deviceCount() : 0);
}

absl::StatusOr<at::Device> ResolveDevice(const std::string& device, int64_t num_cuda) {
  if (device == "cpu") return at::Device(at::kCPU);
  const at::Device first(at::kCUDA, 0);
  if (device == "auto") return num_cuda > 0 ? first : at::Device(at::kCPU);
  int64_t index = device == "cuda" ? 0 : -1;
  const absl::string_view number =
      absl::StartsWith(device, "cuda:") ? absl::string_view(device).substr(5) : absl::string_view();
  const bool numbered =
      absl::c_all_of(number, absl::ascii_isdigit) && absl::SimpleAtoi(number, &index);
  if (device != "cuda" && !numbered) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.device is \"", device, "\"; allowed is auto | cpu | cuda | cuda:i"));
  }
  if (index < num_cuda) return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  std::vector<std::string> there = {"auto", "cpu"};
  for (int64_t i = 0; i < num_cuda; ++i) there.push_back(absl::StrCat("cuda:", i));
  return absl::InvalidArgumentError(
      absl::StrCat("trainer.device is ", device, ", but LibTorch finds ",
                   num_cuda == 0 ? "no CUDA device" : absl::StrCat(num_cuda, " CUDA device(s)"),
                   "; allowed here are ", absl::StrJoin(there, ", ")));
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

ModelSpec MakeModelSpec(const Config& config, int64_t num_classes) {
  ModelSpec spec;
  spec.name = config.model.name;
  if (num_classes > 0) spec.num_classes = num_classes;
  spec.num_frames = config.data.num_frames;
  spec.height = config.data.img_height;
  spec.width = config.data.img_width;
  spec.heatmap_size = HeatmapSize(config);
  spec.heatmap_sigma = config.data.heatmap.sigma;
  constexpr double kSpectrogramFramesPerSecond = 100.0;
  spec.audio_frames = std::lround(config.data.audio.window_seconds * kSpectrogramFramesPerSecond);
  spec.temporal_pooling = config.model.temporal_pooling;
  spec.fusion = config.model.fusion;
  spec.loss_weights = config.model.loss_weights;
  spec.dropout = config.model.dropout;
  spec.drop_path = config.model.drop_path;
  spec.label_smoothing = config.train.label_smoothing;
  spec.class_weights = config.train.class_weights;
  spec.seed = static_cast<uint64_t>(config.seed);
  spec.dtype = ParameterDtype(config.trainer.precision);
  return spec;
}

BatchRequest MakeBatchRequest(const Config& config, bool has_batch_norm) {
  BatchRequest request;
  request.batch_size = config.data.batch_size;
  request.accumulate_grad_batches = config.train.accumulate_grad_batches;
  request.effective_batch_size = config.train.effective_batch_size.value_or(0);
  request.norm_group = config.model.norm_group;
  request.has_batch_norm = has_batch_norm;
  return request;
}

absl::StatusOr<std::vector<StageMode>> MakeStageModes(const Config& config, int num_stages) {
  std::string words = config.memory.schedule;
  if (words == "auto") {
    words = config.model.use_gradient_checkpointing.value_or(false) ? "checkpoint" : "keep";
  }
  SLIMREEL_ASSIGN_OR_RETURN(std::vector<StageMode> modes, ParseStageModes(words, num_stages));
  if (!config.model.use_gradient_checkpointing.has_value()) return modes;
  const auto checkpointed = absl::c_count(modes, StageMode::kCheckpoint);
  const bool all = *config.model.use_gradient_checkpointing;
  if (checkpointed == (all ? static_cast<int64_t>(modes.size()) : 0)) return modes;
  return absl::InvalidArgumentError(absl::StrCat(
      "model.use_gradient_checkpointing is ", all ? "true (every stage)" : "false (no stage)",
      ", but memory.schedule is ", config.memory.schedule, ", which checkpoints ", checkpointed,
      " of ", modes.size(), " stages; leave one of the two at auto"));
}

TightenLimits MakeTightenLimits(const Config& config, int64_t min_micro_batch) {
  TightenLimits limits{.norm_group = min_micro_batch, .allow = config.memory.allow};
  if (!config.model.use_gradient_checkpointing.value_or(true)) limits.allow.checkpointing = false;
  return limits;
}

absl::StatusOr<RunLength> FindRunLength(const Config& config, const BatchTerms& batch,
                                        int64_t samples_per_epoch, const TrainState& state) {
  const int64_t available = NumSplits(samples_per_epoch, batch.micro_batch);
  const int64_t limited = config.trainer.limit_train_batches.Resolve(available);
  if (limited == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.limit_train_batches leaves none of ", available,
                     " batches per epoch; raise it, or give more data"));
  }
  const int64_t accumulate = NumSplits(batch.effective_batch, batch.micro_batch);
  // The last step of an epoch is whole, or short because the samples are used up.
  const int64_t of_whole_steps = NumSplits(limited, accumulate) * batch.effective_batch;
  return MakeRunLength(
      {.train = config.train,
       .epoch_samples = std::min(samples_per_epoch, of_whole_steps),
       .effective_batch = batch.effective_batch,
       .steps_done = state.step,
       .position = {.epoch = state.loader_epoch, .next_sample = state.loader_next_sample}});
}

PredictOptions MakePredictOptions(const Config& config, const FramePreparation& preparation,
                                  const HostMemory& host, at::Device device) {
  const Ceiling ceiling = WorkingCeiling(host, config.memory.host_budget, "memory.host_budget");
  return {.preparation = preparation,
          .frame_interval = config.data.frame_interval,
          .max_video_frames = config.data.max_video_frames,
          .num_clips = config.evaluation.num_clips,
          .max_decoded_frame_bytes = ceiling.bytes / 4,
          .allow_upscale = config.data.allow_upscale,
          .device = device,
          .autocast = AutocastDtype(config.trainer.precision)};
}

}  // namespace slimreel
