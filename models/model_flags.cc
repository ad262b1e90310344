#include "models/model_flags.h"

#include <gflags/gflags.h>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/mistakes.h"
#include "base/nearest_name.h"

DEFINE_string(model, "", "name of a model; `model list` shows the names");
DEFINE_int64(batch, 1, "describe: samples in the measured micro-batch; 1 to 1048576");
DEFINE_int64(num_frames, 16, "frames per clip; 1 to 1024; speech models ignore it");
DEFINE_int64(img_size, 112,
             "height and width of a clip in pixels; 8 to 4096; speech and pose models ignore it");
DEFINE_int64(
    num_classes, 0,
    "classes of the head; 0: as in the imported file's head, or 400; Whisper uses its tokens");
DEFINE_string(
    weights, "",
    "import: a safetensors file, an index of shards, or the folder of either; two, as RGB,POSE, "
    "for a model with two streams");
DEFINE_string(temporal_pooling, "mean", "mean | attention | lstm; only for resnet18 and resnet50");
DEFINE_string(fusion, "lateral", "lateral | cross_attention; only for RGB+pose models");
DEFINE_string(output, "", "import: the safetensors file to write");
DEFINE_bool(
    both_bias_names, false,
    "import: write VideoMAE's query and value biases under both of their names; without this, "
    "transformers 5.5.1 to 5.17.0 reads zeros for them; costs a few KB");
DEFINE_bool(json, false, "list, describe: print JSON");

namespace slimreel {

std::vector<std::string> ModelFlagNames() {
  return {"model",  "batch",   "num_frames", "img_size",        "num_classes", "temporal_pooling",
          "fusion", "weights", "output",     "both_bias_names", "json"};
}

ModelCommandOptions ModelOptionsFromFlags() {
  return {FLAGS_model,           FLAGS_batch,       FLAGS_num_frames,
          FLAGS_img_size,        FLAGS_num_classes, FLAGS_temporal_pooling,
          FLAGS_fusion,          FLAGS_weights,     FLAGS_output,
          FLAGS_both_bias_names, FLAGS_json};
}

absl::Status ModelCommandOptions::Validate() const {
  Mistakes mistakes;
  const auto check = [&mistakes](const char* flag, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return;
    mistakes.Add(absl::StrCat("--", flag, " is ", value, "; allowed is a whole number, ", low,
                              " to ", high));
  };
  check("batch", batch, 1, 1 << 20);
  check("num_frames", num_frames, 1, 1024);
  check("img_size", img_size, 8, 4096);
  check("num_classes", num_classes, 0, 1 << 24);
  return mistakes.ToStatus();
}

absl::StatusOr<std::string> ModelCommandWord(const std::vector<std::string>& words) {
  const std::vector<std::string> commands = {"list", "describe", "import"};
  if (words.empty()) {
    return absl::InvalidArgumentError(
        "the command is missing: give list, describe or import; see model --help");
  }
  if (!absl::c_linear_search(commands, words[0])) {
    return absl::InvalidArgumentError(absl::StrCat("unknown command '", words[0],
                                                   "' (allowed are list, describe and import)",
                                                   DidYouMean(words[0], commands)));
  }
  if (words.size() == 1) return words[0];
  const std::string as_flags = words[0] == "list" ? "list takes no more words"
                                                  : absl::StrCat("name the model with: model ",
                                                                 words[0], " --model=", words[1]);
  return absl::InvalidArgumentError(
      absl::StrCat("unexpected argument '", words[1], "'; ", as_flags));
}

}  // namespace slimreel
