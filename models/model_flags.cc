#include "models/model_flags.h"

#include <gflags/gflags.h>

DEFINE_string(model, "", "name of a model (see list)");
DEFINE_int64(batch, 1, "describe: samples of the micro-batch that is measured");
DEFINE_int64(num_frames, 16, "frames of a clip");
DEFINE_int64(img_size, 112, "height and width of a clip, pixels");
DEFINE_int64(num_classes, 0, "classes of the head; 0: those of the imported file's head, else 400");
DEFINE_string(
    weights, "",
    "import: a safetensors file, an index of shards or its folder; RGB,POSE for two streams");
DEFINE_string(temporal_pooling, "mean", "mean | attention | lstm: of resnet18 and resnet50");
DEFINE_string(fusion, "lateral", "lateral | cross_attention: of RGB+pose models");
DEFINE_string(output, "", "import: the safetensors file to write");
DEFINE_bool(json, false, "print JSON");

namespace slimreel {

std::vector<std::string> ModelFlagNames() {
  return {"model",  "batch",   "num_frames", "img_size", "num_classes", "temporal_pooling",
          "fusion", "weights", "output",     "json"};
}

ModelCommandOptions ModelOptionsFromFlags() {
  return {FLAGS_model,    FLAGS_batch,       FLAGS_num_frames,
          FLAGS_img_size, FLAGS_num_classes, FLAGS_temporal_pooling,
          FLAGS_fusion,   FLAGS_weights,     FLAGS_output,
          FLAGS_json};
}

}  // namespace slimreel
