// model: shows the zoo and what each stage of a model makes and keeps.
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/command_line.h"
#include "base/status_macros.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/description.h"
#include "models/factory/factory.h"
#include "models/model_flags.h"

namespace slimreel {
namespace {

std::string Sizes(const StageDescription& stage) {
  std::vector<std::string> slots;
  for (const auto& sizes : stage.output_sizes) {
    slots.push_back(absl::StrCat("[", absl::StrJoin(sizes, ", "), "]"));
  }
  return absl::StrJoin(slots, " ");
}

absl::Status List(const ModelCommandOptions& options) {
  nlohmann::json rows = nlohmann::json::array();
  for (const ModelEntry& entry : ModelTable()) {
    rows.push_back({{"name", entry.name}, {"family", entry.family}, {"summary", entry.summary}});
    if (!options.json) absl::PrintF("%-18s %-6s %s\n", entry.name, entry.family, entry.summary);
  }
  if (options.json) std::cout << rows.dump(2) << "\n";
  return absl::OkStatus();
}

void PrintTable(const ModelCommandOptions& options, const std::vector<StageDescription>& stages) {
  absl::PrintF("%s: batch %d of %d frames, %d x %d, %d classes, float32\n\n", options.model,
               options.batch, options.num_frames, options.img_size, options.img_size,
               options.num_classes);
  absl::PrintF("%-22s %12s %14s %14s  %s\n", "stage", "parameters", "output bytes", "saved bytes",
               "output shapes");
  int64_t parameters = 0, outputs = 0, saved = 0;
  for (const StageDescription& stage : stages) {
    absl::PrintF("%-22s %12d %14d %14d  %s\n", stage.name, stage.parameters, stage.output_bytes,
                 stage.saved_bytes, Sizes(stage));
    parameters += stage.parameters;
    outputs += stage.output_bytes;
    saved += stage.saved_bytes;
  }
  absl::PrintF("%-22s %12d %14d %14d\n", "total", parameters, outputs, saved);
  absl::PrintF("\nsaved: kept for backward beyond the stage's inputs and outputs\n");
}

void PrintJson(const ModelCommandOptions& options, const std::vector<StageDescription>& stages) {
  nlohmann::json rows = nlohmann::json::array();
  int64_t parameters = 0;
  for (const StageDescription& stage : stages) {
    rows.push_back({{"name", stage.name},
                    {"parameters", stage.parameters},
                    {"output_sizes", stage.output_sizes},
                    {"output_bytes", stage.output_bytes},
                    {"saved_bytes", stage.saved_bytes}});
    parameters += stage.parameters;
  }
  const nlohmann::json all = {{"model", options.model},
                              {"batch", options.batch},
                              {"num_frames", options.num_frames},
                              {"img_size", options.img_size},
                              {"num_classes", options.num_classes},
                              {"parameters", parameters},
                              {"stages", rows}};
  std::cout << all.dump(2) << "\n";
}

absl::Status Describe(const ModelCommandOptions& options) {
  if (options.model.empty()) {
    return absl::InvalidArgumentError("--model=NAME is missing; `model list` shows the names");
  }
  if (options.batch < 1) return absl::InvalidArgumentError("--batch is 1 or more");
  ModelSpec spec;
  spec.name = options.model;
  spec.num_classes = options.num_classes;
  spec.num_frames = options.num_frames;
  spec.height = spec.width = options.img_size;
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, BuildModel(spec));
  const std::vector<StageDescription> stages =
      DescribeStages(*model, options.batch, [] { return ReadCpuMemory().live_bytes; });
  options.json ? PrintJson(options, stages) : PrintTable(options, stages);
  return absl::OkStatus();
}

absl::Status Run(const CommandLine& line) {
  const ModelCommandOptions options = ModelOptionsFromFlags();
  const std::string command = line.positional.size() == 1 ? line.positional[0] : "";
  if (command == "list") return List(options);
  if (command == "describe") return Describe(options);
  if (command == "import") {
    return absl::UnimplementedError("import is not yet available; commands: list, describe");
  }
  return absl::InvalidArgumentError("give one command: list or describe (see model --help)");
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();
  slimreel::Program program;
  program.name = "model";
  program.synopsis = "model list | describe --model=NAME [flags]";
  program.description =
      "list: the models and what they are.\n"
      "describe: stages, output shapes, parameters, and the bytes that each stage keeps for "
      "backward, measured by running it once.";
  program.flags = slimreel::ModelFlagNames();
  program.examples = "model describe --model=r3d_18 --batch=8 --img_size=56";
  return slimreel::RunProgram(argc, argv, program, slimreel::Run);
}
