#include "trainer/inference_flags.h"

#include <gflags/gflags.h>

#include "base/path_list.h"

DEFINE_string(run, "", "run folder that //trainer:train wrote");
DEFINE_string(checkpoint, "best", "best | latest | path");
DEFINE_bool(json, false, "print JSON: evaluate one object, predict one per file");
DEFINE_string(data, "",
              "shard folder(s), of which the test shards are used, or val, or the only split; "
              "default: the run's data.test, or its data.val");
DEFINE_string(split, "",
              "which shards: test, val or another split; train also allows samples that the run "
              "was trained on; without --data, it means the run's data.train");
DEFINE_string(input, "", "video files, comma-separated");

namespace slimreel {

InferenceFlags InferenceFromFlags() {
  return {.run = FLAGS_run,
          .checkpoint = FLAGS_checkpoint,
          .json = FLAGS_json,
          .data = PathList(FLAGS_data),
          .split = FLAGS_split,
          .input = PathList(FLAGS_input)};
}

}  // namespace slimreel
