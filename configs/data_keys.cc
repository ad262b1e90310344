#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

ConfigKey ImgSizeKey(DataOptions* data) {
  return CustomKey(
      "data.img_size", "a whole number, 8 to 4096, or [height, width]",
      "Size of the crop that the model gets, in pixels; must fit the stored frames, see "
      "allow_upscale",
      [data](const YAML::Node& value) -> absl::Status {
        const bool pair = value.IsSequence() && value.size() == 2;
        const Bounds bounds = Between(8, 4096);
        SLIMREEL_ASSIGN_OR_RETURN(const int64_t height, ParseInt(pair ? value[0] : value, bounds));
        SLIMREEL_ASSIGN_OR_RETURN(const int64_t width, ParseInt(pair ? value[1] : value, bounds));
        data->img_height = height;
        data->img_width = width;
        return absl::OkStatus();
      },
      [data] {
        if (data->img_height == data->img_width) return std::to_string(data->img_height);
        return YamlList({std::to_string(data->img_height), std::to_string(data->img_width)});
      });
}

ConfigKey ShortSideKey(DataOptions* data) {
  return CustomKey(
      "data.short_side", "a whole number, 8 to 8192, or native, or none: round(img_size * 8/7)",
      "In prepare: shorter side of stored frames after rotation, in pixels",
      [data](const YAML::Node& value) -> absl::Status {
        const bool native = value.IsScalar() && value.Scalar() == "native";
        std::optional<int64_t> short_side;
        if (!native && !IsNone(value)) {
          SLIMREEL_ASSIGN_OR_RETURN(short_side, ParseInt(value, Between(8, 8192)));
        }
        data->native_size = native;
        data->short_side = short_side;
        return absl::OkStatus();
      },
      [data] {
        if (data->native_size) return std::string("native");
        return data->short_side.has_value() ? std::to_string(*data->short_side) : "none";
      },
      {"native", "none"});
}

const AugmentOptions kLight{.random_crop = true};
const AugmentOptions kStandard{.random_crop = true, .color_jitter = true};

ConfigKey AugmentKey(AugmentOptions* augment) {
  ConfigKey key = CustomKey(
      "data.augment", "none | light (random_crop) | standard (random_crop, color_jitter), or a map",
      "Augmentation of training clips; no preset flips, because a flip turns left into right",
      [augment](const YAML::Node& value) -> absl::Status {
        if (IsNone(value)) {
          *augment = AugmentOptions();
          return absl::OkStatus();
        }
        SLIMREEL_ASSIGN_OR_RETURN(const size_t preset,
                                  ParseWord(value, {"none", "light", "standard"}, {}));
        *augment = preset == 1 ? kLight : kStandard;
        return absl::OkStatus();
      },
      [augment]() -> std::string {
        if (*augment == AugmentOptions()) return "none";
        if (*augment == kLight) return "light";
        if (*augment == kStandard) return "standard";
        const auto word = [](bool on) { return on ? "true" : "false"; };
        return YamlMap({{"random_crop", word(augment->random_crop)},
                        {"flip", word(augment->flip)},
                        {"color_jitter", word(augment->color_jitter)},
                        {"spec_augment", word(augment->spec_augment)}});
      },
      {"none", "light", "standard"});
  return key.LaterValues({"standard"});
}

ConfigKey ShardSizeKey(int64_t* bytes) {
  return CustomKey(
      "data.shard_size", "bytes (128MiB), 64KiB or more",
      "In prepare: bytes of samples after which a new shard starts",
      [bytes](const YAML::Node& value) -> absl::Status {
        SLIMREEL_ASSIGN_OR_RETURN(const std::string text, ParseText(value));
        SLIMREEL_ASSIGN_OR_RETURN(const int64_t parsed, ParseBytes(text));
        if (parsed < 65536) return NotAllowed(value, "64KiB or more");
        *bytes = parsed;
        return absl::OkStatus();
      },
      [bytes] { return FormatByteSpec({.bytes = *bytes}); });
}

void AddPrepareKeys(DataOptions* data, std::vector<ConfigKey>* keys) {
  keys->push_back(ShortSideKey(data).KeepsResult());
  keys->push_back(FloatKey("data.fps", &data->fps, Between(0.01, 1000), "native",
                           "In prepare: frames per second of stored videos, resampled by time")
                      .Later()
                      .KeepsResult());
  keys->push_back(IntKey("data.chunk_overlap", &data->chunk_overlap, AtLeast(0),
                         "In prepare: frames that neighbouring chunks share")
                      .KeepsResult());
  keys->push_back(
      IntKey("data.min_chunk_frames", &data->min_chunk_frames, AtLeast(1), "none",
             "In prepare: if a video has other chunks, a last one with fewer frames (overlap "
             "included) is left out and counted; none: num_frames, or max_video_frames if that "
             "is less")
          .KeepsResult());
  keys->push_back(EnumKey("data.frame_codec", &data->frame_codec, {"raw", "jpeg"},
                          "In prepare: how shards store frames")
                      .Later()
                      .KeepsResult());
  keys->push_back(IntKey("data.jpeg_quality", &data->jpeg_quality, Between(1, 100),
                         "In prepare: quality of JPEG, for frame_codec jpeg")
                      .Later()
                      .KeepsResult());
  keys->push_back(FloatKey("data.quality_threshold", &data->quality_threshold, Between(0, 1),
                           "In prepare: frames of lower quality (blurred, dark, flat) are left out")
                      .KeepsResult());
  keys->push_back(ShardSizeKey(&data->shard_size).KeepsResult());
}

void AddClipKeys(DataOptions* data, std::vector<ConfigKey>* keys) {
  keys->push_back(ImgSizeKey(data));
  keys->push_back(
      BoolKey("data.allow_upscale", &data->allow_upscale,
              "Enlarge frames that are smaller than img_size instead of refusing them"));
  keys->push_back(IntKey("data.num_frames", &data->num_frames, Between(1, 1024),
                         "Frames per clip; memory and time grow with it"));
  keys->push_back(
      IntKey("data.frame_interval", &data->frame_interval, Between(1, 1000),
             "Stored frames from one frame of a clip to the next; unused for models that also "
             "take keypoints, whose clips span the sample"));
  keys->push_back(
      IntKey("data.max_video_frames", &data->max_video_frames, AtLeast(1),
             "In prepare: longest chunk, in frames; in training: first frames of a sample that "
             "clips are taken from"));
  keys->push_back(AugmentKey(&data->augment));
  AugmentOptions* augment = &data->augment;
  keys->push_back(BoolKey("data.augment.random_crop", &augment->random_crop,
                          "Crop at a random place; otherwise at the centre")
                      .PartOfMap());
  keys->push_back(
      BoolKey("data.augment.flip", &augment->flip, "Mirror half of the clips left to right")
          .PartOfMap());
  keys->push_back(BoolKey("data.augment.color_jitter", &augment->color_jitter,
                          "Change colours at random; costs memory and time")
                      .Later()
                      .PartOfMap());
  keys->push_back(BoolKey("data.augment.spec_augment", &augment->spec_augment,
                          "Mask parts of the log-mel spectrogram")
                      .Later()
                      .PartOfMap());
}

void AddLaterInputKeys(DataOptions* data, std::vector<ConfigKey>* keys) {
  keys->push_back(FloatKey("data.heatmap.sigma", &data->heatmap.sigma, Between(0.01, 100),
                           "Pose input: sigma of the Gaussian, in heatmap pixels; mmaction2 trains "
                           "rgbposeconv3d with 0.7"));
  keys->push_back(
      IntKey("data.heatmap.size", &data->heatmap.size, Between(8, 1024), "none",
             "Pose input: height and width of heatmaps; none: 56, or img_size / 4 for models "
             "that also take frames"));
  keys->push_back(BoolKey("data.heatmap.with_limb", &data->heatmap.with_limb,
                          "Pose input: heatmaps of limbs in addition to joints")
                      .Later());
  keys->push_back(IntKey("data.audio.sample_rate", &data->audio.sample_rate, Between(8000, 48000),
                         "Speech input: sample rate in Hz")
                      .Later());
  keys->push_back(FloatKey("data.audio.window_seconds", &data->audio.window_seconds,
                           Between(0.1, 60), "Speech input: length of a sample in seconds")
                      .Later());
  keys->push_back(IntKey("data.audio.num_mels", &data->audio.num_mels, Between(1, 512),
                         "Speech input: bins of the log-mel spectrogram")
                      .Later());
}

void AddLoaderKeys(DataloaderOptions* dataloader, std::vector<ConfigKey>* keys) {
  keys->push_back(IntKey("dataloader.num_workers", &dataloader->num_workers, Between(0, 256),
                         "auto", "Threads that load batches; 0: load in the thread that trains")
                      .KeepsResult());
  keys->push_back(IntKey("dataloader.prefetch_factor", &dataloader->prefetch_factor,
                         Between(1, 1024), "auto", "Batches that each worker loads ahead")
                      .KeepsResult());
  keys->push_back(BoolKey("dataloader.pin_memory", &dataloader->pin_memory, "auto",
                          "Load into page-locked buffers; auto: if the step runs on an accelerator")
                      .KeepsResult());
  keys->push_back(BoolKey("dataloader.persistent_workers", &dataloader->persistent_workers, "auto",
                          "Keep threads and file mappings between epochs")
                      .LaterValues({"false"})
                      .KeepsResult());
}

void AddSourceKeys(DataOptions* data, std::vector<ConfigKey>* keys) {
  keys->push_back(TextListKey(
      "data.train", &data->train,
      "Shard folders (their train-* shards are read), or synthetic:N for N made samples"));
  keys->push_back(TextListKey("data.val", &data->val, "Shard folders (their val-* shards are read)")
                      .KeepsResult());
  keys->push_back(
      TextListKey("data.test", &data->test, "Shard folders (their test-* shards are read)")
          .KeepsResult());
  keys->push_back(IntKey("data.batch_size", &data->batch_size, Between(1, 1 << 20),
                         "Samples per forward pass on one device (micro-batch)"));
  keys->push_back(
      IntKey("data.eval_batch_size", &data->eval_batch_size, Between(1, 1 << 20), "none",
             "Samples per forward pass in evaluation, lowered if memory.budget requires it; "
             "none: batch_size, in training at most the micro-batch in force")
          .KeepsResult());
  keys->push_back(BoolKey("data.load_rgb", &data->load_rgb, "none",
                          "Read frames; none: if the model uses them"));
  keys->push_back(BoolKey("data.load_kpt", &data->load_kpt, "none",
                          "Read keypoints; none: if the model uses them"));
  keys->push_back(BoolKey("data.load_audio", &data->load_audio, "none",
                          "Read audio; none: if the model uses it")
                      .LaterValues({"true"}));
}

void AddLoadingKeys(DataOptions* data, std::vector<ConfigKey>* keys) {
  keys->push_back(EnumKey("data.sampling", &data->sampling,
                          {"shuffle", "class_balanced", "sequential"},
                          "Order of training samples"));
  keys->push_back(EnumKey("data.preprocess_device", &data->preprocess_device,
                          {"auto", "cpu", "gpu"},
                          "Where uint8 frames are converted to float, normalised and cropped")
                      .LaterValues({"cpu", "gpu"})
                      .KeepsResult());
  keys->push_back(BoolKey("data.enable_cache", &data->enable_cache,
                          "Cache decoded frames; the cache is freed first when memory is short")
                      .Later()
                      .KeepsResult());
  keys->push_back(BytesKey("data.cache_budget", &data->cache_budget,
                           "Size of the cache, or its share of the host's memory ceiling")
                      .Later()
                      .KeepsResult());
}

}  // namespace

std::vector<ConfigKey> DataKeys(DataOptions* data, DataloaderOptions* dataloader) {
  std::vector<ConfigKey> keys;
  AddSourceKeys(data, &keys);
  AddClipKeys(data, &keys);
  AddLoadingKeys(data, &keys);
  AddPrepareKeys(data, &keys);
  AddLaterInputKeys(data, &keys);
  AddLoaderKeys(dataloader, &keys);
  return keys;
}

}  // namespace slimreel
