#include "models/model_flags.h"

#include <gflags/gflags.h>

DEFINE_string(model, "", "name of a model (see list)");
DEFINE_int64(batch, 1, "clips of the micro-batch that is measured");
DEFINE_int64(num_frames, 16, "frames of a clip");
DEFINE_int64(img_size, 112, "height and width of a clip, pixels");
DEFINE_int64(num_classes, 400, "classes of the head");
DEFINE_bool(json, false, "print JSON");

namespace slimreel {

std::vector<std::string> ModelFlagNames() {
  return {"model", "batch", "num_frames", "img_size", "num_classes", "json"};
}

ModelCommandOptions ModelOptionsFromFlags() {
  return {FLAGS_model,    FLAGS_batch,       FLAGS_num_frames,
          FLAGS_img_size, FLAGS_num_classes, FLAGS_json};
}

}  // namespace slimreel
