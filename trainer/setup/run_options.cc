#include "trainer/setup/run_options.h"

#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

// `dataloader.num_workers: auto`: on few cores the step needs them more than the loader.
constexpr int64_t kAutoWorkers = 2;
constexpr int64_t kAutoPrefetch = 1;

LoaderOptions CommonLoaderOptions(const Config& config) {
  LoaderOptions options;
  options.height = config.data.img_height;
  options.width = config.data.img_width;
  options.allow_upscale = config.data.allow_upscale;
  options.num_frames = config.data.num_frames;
  options.frame_interval = config.data.frame_interval;
  options.max_video_frames = config.data.max_video_frames;
  options.seed = static_cast<uint64_t>(config.seed);
  options.num_classes = config.model.num_classes.value_or(0);
  options.num_workers = static_cast<int>(config.dataloader.num_workers.value_or(kAutoWorkers));
  options.prefetch_batches = static_cast<int>(
      std::max(1, options.num_workers) * config.dataloader.prefetch_factor.value_or(kAutoPrefetch));
  options.pin_memory = config.dataloader.pin_memory.value_or(false);
  return options;
}

Sampling SamplingOf(SamplingMode order) {
  switch (order) {
    case SamplingMode::kClassBalanced:
      return Sampling::kClassBalanced;
    case SamplingMode::kSequential:
      return Sampling::kSequential;
    case SamplingMode::kShuffle:
      break;
  }
  return Sampling::kShuffle;
}

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

absl::StatusOr<at::Device> ResolveDevice(const std::string& device) {
  if (device == "cpu") return at::Device(at::kCPU);
  const bool available = at::hasCUDA();
  if (device == "auto") return available ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (!available) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.device is ", device,
                     ", but LibTorch finds no CUDA device; allowed here are auto and cpu"));
  }
  const at::Device parsed(device);
  return at::Device(at::kCUDA, parsed.has_index() ? parsed.index() : 0);
}

at::ScalarType ResolveDtype(const Config& config) {
  return config.trainer.precision == Precision::k64 ? at::kDouble : at::kFloat;
}

LoaderOptions TrainLoaderOptions(const Config& config, int64_t effective_batch) {
  LoaderOptions options = CommonLoaderOptions(config);
  options.sources = config.data.train;
  options.split = "train";
  options.sampling = SamplingOf(config.data.sampling);
  options.augment.random_crop = config.data.augment.random_crop;
  options.augment.flip = config.data.augment.flip;
  options.augment.color_jitter = config.data.augment.color_jitter;
  options.training = true;
  options.batch_size = effective_batch;
  return options;
}

LoaderOptions EvaluationLoaderOptions(const Config& config, std::vector<std::string> sources,
                                      const std::string& split) {
  LoaderOptions options = CommonLoaderOptions(config);
  options.sources = std::move(sources);
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
  spec.num_classes = num_classes;
  spec.num_frames = config.data.num_frames;
  spec.height = config.data.img_height;
  spec.width = config.data.img_width;
  spec.dropout = config.model.dropout.value_or(-1.0);
  spec.drop_path = config.model.drop_path.value_or(-1.0);
  spec.label_smoothing = config.train.label_smoothing;
  spec.class_weights = config.train.class_weights;
  spec.seed = static_cast<uint64_t>(config.seed);
  spec.dtype = ResolveDtype(config);
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

OptimizerOptions MakeOptimizerOptions(const Config& config) {
  return {.kind = config.train.optimizer,
          .momentum = config.train.momentum,
          .beta1 = config.train.betas[0],
          .beta2 = config.train.betas[1],
          .eps = config.train.eps};
}

LrCurve MakeLrCurve(const Config& config, int64_t effective_batch, int64_t total_steps) {
  return {.schedule = config.train.schedule,
          .base_lr = ScaledBaseLr(config.train.lr, effective_batch,
                                  config.train.lr_reference_batch.value_or(0)),
          .warmup_steps = config.train.warmup_steps,
          .total_steps = total_steps,
          .step_size = config.train.step_size.value_or(0),
          .gamma = config.train.gamma};
}

absl::StatusOr<std::vector<StageMode>> MakeStageModes(const Config& config, int num_stages) {
  std::string words = config.memory.schedule;
  if (words == "auto") {
    words = config.model.use_gradient_checkpointing.value_or(false) ? "checkpoint" : "keep";
  }
  return ParseStageModes(words, num_stages);
}

TightenLimits MakeTightenLimits(const Config& config, int64_t min_micro_batch) {
  return {.norm_group = min_micro_batch,
          .allow_checkpointing = config.memory.allow.checkpointing &&
                                 config.model.use_gradient_checkpointing.value_or(true),
          .allow_split = config.memory.allow.split};
}

absl::StatusOr<RunLength> MakeRunLength(const Config& config, const BatchTerms& batch,
                                        int64_t samples_per_epoch) {
  const int64_t available = CeilDiv(samples_per_epoch, batch.micro_batch);
  const int64_t limited = config.trainer.limit_train_batches.Resolve(available);
  if (limited == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.limit_train_batches leaves none of ", available,
                     " batches per epoch; raise it, or give more data"));
  }
  const int64_t accumulate = CeilDiv(batch.effective_batch, batch.micro_batch);
  return MakeRunLength(CeilDiv(limited, accumulate), config.train.max_epochs,
                       config.train.max_steps.value_or(0));
}

PredictOptions MakePredictOptions(const Config& config, at::Device device) {
  return {.short_side = config.data.ResolvedShortSide(),
          .frame_interval = config.data.frame_interval,
          .max_video_frames = config.data.max_video_frames,
          .num_clips = config.evaluation.num_clips,
          .allow_upscale = config.data.allow_upscale,
          .device = device};
}

}  // namespace slimreel
