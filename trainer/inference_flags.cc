#include "trainer/inference_flags.h"

#include <gflags/gflags.h>

#include "absl/strings/str_split.h"

DEFINE_string(run, "", "run folder that //trainer:train wrote");
DEFINE_string(checkpoint, "best", "best | latest | path");
DEFINE_bool(json, false, "print JSON: evaluate one object, predict one per file");
DEFINE_string(data, "",
              "shard folder(s): their test shards, else val, else the only split there is; "
              "default: the run's data.test, else its data.val");
DEFINE_string(input, "", "video files, comma-separated");

namespace slimreel {

InferenceFlags InferenceFromFlags() {
  return {.run = FLAGS_run,
          .checkpoint = FLAGS_checkpoint,
          .json = FLAGS_json,
          .data = absl::StrSplit(FLAGS_data, ',', absl::SkipEmpty()),
          .input = absl::StrSplit(FLAGS_input, ',', absl::SkipEmpty())};
}

}  // namespace slimreel
