#include "data/prepare_flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "base/logging.h"
#include "base/memory_limits.h"
#include "base/path_list.h"
#include "base/status_macros.h"
#include "configs/schema.h"
#include "data/pipeline/prepare_sizing.h"

DEFINE_string(config, "", "YAML file; without it, the defaults");
DEFINE_string(
    input, "",
    "what to prepare, comma-separated: one folder with a folder per class (clips, not "
    "clips/left,clips/right); folders of videos without labels; lists of `path label` lines "
    "(.txt, .lst, .list); tables of path and label (.csv, .tsv); JSON of paths and labels (.json); "
    "videos. If a file has a comma in its name, the name is taken whole. Each input must hold a "
    "video. A later run replaces the whole split, so give all inputs again; unchanged videos are "
    "not prepared again");
DEFINE_string(annotations, "",
              "list, table or JSON with labels for videos of the inputs, in the forms that --input "
              "takes; a line of one word names a class, and these lines set the order");
DEFINE_string(output, "", "folder for the shards; several splits may share it");
DEFINE_string(split, "train", "train, val or test");
DEFINE_string(
    num_workers, "auto",
    "decoding threads; auto: dataloader.num_workers, else one per core. There are fewer if "
    "the decoders do not fit in half of memory.host_budget or, if that is not set, in half "
    "of a quarter of the free memory. The number changes no byte of the output");
DEFINE_string(part, "",
              "3/16: prepare only the third of 16 parts, so that machines share the work");
DEFINE_bool(replace_division, false,
            "prepare this split whole, or in another number of parts, and replace what the folder "
            "holds of it now");

namespace slimreel {
namespace {

absl::Status ReadPart(const std::string& text, PrepareOptions* options) {
  if (text.empty()) return absl::OkStatus();
  const std::vector<std::string> words = absl::StrSplit(text, '/');
  if (words.size() == 2 && absl::SimpleAtoi(words[0], &options->part) &&
      absl::SimpleAtoi(words[1], &options->num_parts) && options->part >= 1 &&
      options->part <= options->num_parts) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--part=", text, ": write i/n with 1 <= i <= n, for example 3/16"));
}

absl::StatusOr<int> ReadWorkers(const std::string& text, const DataloaderOptions& dataloader) {
  int workers = 0;
  if (text == "auto") {
    if (dataloader.num_workers) return std::max<int>(1, *dataloader.num_workers);
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  if (absl::SimpleAtoi(text, &workers) && workers >= 1 && workers <= 256) return workers;
  return absl::InvalidArgumentError(
      absl::StrCat("--num_workers=", text, ": write auto or a number from 1 to 256"));
}

absl::Status SizeByHostMemory(const MemoryOptions& memory, PrepareOptions* options) {
  SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
  const Ceiling budget = WorkingCeiling(host, memory.host_budget, "memory.host_budget");
  const PrepareSizing sizing = SizePreparation(options->num_workers, budget.bytes);
  if (sizing.lowered) {
    LOG(WARNING) << "decoding threads: " << sizing.num_workers << " instead of "
                 << options->num_workers << ", because more do not fit in " << budget.origin << ", "
                 << FormatBytes(budget.bytes);
  }
  options->num_workers = sizing.num_workers;
  options->memory_bytes = sizing.memory_bytes;
  options->max_picture_bytes = budget.bytes / 4;
  return absl::OkStatus();
}

}  // namespace

Program PrepareProgram() {
  Program program;
  program.name = "prepare";
  program.synopsis = "prepare --input=PATHS --output=DIR [--config=FILE] [KEY=VALUE...]";
  program.description =
      "Decodes videos, cuts them into chunks and writes shards (tar files).\n"
      "A second run prepares only new and changed videos.";
  program.flags = {"config", "input",       "annotations", "output",
                   "split",  "num_workers", "part",        "replace_division"};
  program.list_flags = {"input"};
  program.examples =
      "prepare --config=configs/quickstart.yaml --input=clips/train --output=shards\n"
      "prepare --config=configs/quickstart.yaml --input=clips/val --output=shards --split=val\n"
      "prepare --input=list.txt --output=shards data.short_side=native";
  program.takes_config = true;
  program.bare_keys = BareConfigKeys();
  program.config_help = [] { return ConfigHelp(); };
  return program;
}

absl::StatusOr<PrepareOptions> PrepareOptionsFromFlags(
    const std::vector<ConfigOverride>& overrides) {
  std::vector<std::string> notes;
  SLIMREEL_ASSIGN_OR_RETURN(const Config config, LoadConfig(FLAGS_config, overrides, &notes));
  for (const std::string& note : notes) LOG(INFO) << note;
  PrepareOptions options;
  options.inputs = PathList(FLAGS_input);
  options.annotations = FLAGS_annotations;
  options.output = FLAGS_output;
  options.split = FLAGS_split;
  options.data = config.data;
  options.replace_division = FLAGS_replace_division;
  SLIMREEL_RETURN_IF_ERROR(ReadPart(FLAGS_part, &options));
  SLIMREEL_ASSIGN_OR_RETURN(options.num_workers, ReadWorkers(FLAGS_num_workers, config.dataloader));
  SLIMREEL_RETURN_IF_ERROR(SizeByHostMemory(config.memory, &options));
  return options;
}

}  // namespace slimreel
