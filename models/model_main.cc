// model: lists the models, shows what each stage of a model makes, keeps and computes, and
// converts published weights into a model's weights.
#include <c10/util/Exception.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/command_line.h"
#include "base/exit_code.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "base/word_list.h"
#include "configs/model_options.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/description.h"
#include "models/factory/factory.h"
#include "models/model_flags.h"
#include "models/spec/model_family.h"
#include "models/weights/key_rules.h"
#include "models/weights/pretrained.h"
#include "models/weights/vit_keys.h"
#include "models/weights/weights.h"

namespace slimreel {
namespace {

constexpr int64_t kDefaultClasses = 400;  // Kinetics-400, as in most published weights

// "[3, 16, 112, 112] [17, 48, 56, 56]"
std::string Shapes(const std::vector<std::vector<int64_t>>& slots) {
  return absl::StrJoin(slots, " ", [](std::string* out, const std::vector<int64_t>& sizes) {
    absl::StrAppend(out, "[", absl::StrJoin(sizes, ", "), "]");
  });
}

std::vector<std::vector<int64_t>> InputSizes(const Model& model) {
  std::vector<std::vector<int64_t>> sizes;
  for (const InputSlot& slot : model.inputs) sizes.push_back(slot.sizes);
  return sizes;
}

absl::Status List(const ModelCommandOptions& options) {
  nlohmann::json rows = nlohmann::json::array();
  for (const ModelEntry& entry : ModelTable()) {
    rows.push_back(
        {{"name", entry.name}, {"family", FamilyName(entry.family)}, {"summary", entry.summary}});
    if (!options.json)
      absl::PrintF("%-18s %-6s %s\n", entry.name, FamilyName(entry.family), entry.summary);
  }
  if (options.json) std::cout << rows.dump(2) << "\n";
  return absl::OkStatus();
}

// Sums over the stages. A tied parameter counts once.
struct Totals {
  ParameterCount parameters;
  int64_t outputs = 0, saved = 0, lean = 0, flops = 0;
};

Totals TotalsOf(const Model& model, const std::vector<StageDescription>& stages) {
  Totals totals;
  totals.parameters = CountParameters(model);
  for (const StageDescription& stage : stages) {
    totals.outputs += stage.output_bytes;
    totals.saved += stage.saved_bytes;
    totals.lean += stage.lean_saved_bytes;
    totals.flops += stage.flops;
  }
  return totals;
}

void PrintTable(const Model& model, int64_t batch, const std::vector<StageDescription>& stages) {
  absl::PrintF("%s: batch %d of %s, %d classes, float32\n\n", model.name, batch,
               Shapes(InputSizes(model)), model.num_classes);
  absl::PrintF("%-24s %12s %14s %14s %14s %16s  %s\n", "stage", "parameters", "output bytes",
               "saved bytes", "saved, lean", "FLOPs", "output shapes");
  for (const StageDescription& stage : stages) {
    absl::PrintF("%-24s %12d %14d %14d %14d %16d  %s\n", stage.name, stage.parameters,
                 stage.output_bytes, stage.saved_bytes, stage.lean_saved_bytes, stage.flops,
                 Shapes(stage.output_sizes));
  }
  const Totals totals = TotalsOf(model, stages);
  absl::PrintF("%-24s %12d %14d %14d %14d %16d\n", "total", totals.parameters.trained,
               totals.outputs, totals.saved, totals.lean, totals.flops);
  if (totals.parameters.fixed > 0) {
    absl::PrintF("%-24s %12d\n%-24s %12d  as published\n", "tables, never trained",
                 totals.parameters.fixed, "total with tables", totals.parameters.published());
  }
  absl::PrintF(
      "\nsaved: bytes that the stage keeps for backward besides its inputs and outputs, in its "
      "plain and lean form\nFLOPs: of the forward pass; two per multiply-add of convolutions, "
      "matrix products and attention\n");
}

void PrintJson(const Model& model, int64_t batch, const std::vector<StageDescription>& stages) {
  nlohmann::json rows = nlohmann::json::array();
  for (const StageDescription& stage : stages) {
    rows.push_back({{"name", stage.name},
                    {"parameters", stage.parameters},
                    {"output_sizes", stage.output_sizes},
                    {"output_bytes", stage.output_bytes},
                    {"saved_bytes", stage.saved_bytes},
                    {"lean_saved_bytes", stage.lean_saved_bytes},
                    {"flops", stage.flops}});
  }
  const Totals totals = TotalsOf(model, stages);
  const nlohmann::json all = {{"model", model.name},
                              {"batch", batch},
                              {"input_sizes", InputSizes(model)},
                              {"num_classes", model.num_classes},
                              {"parameters", totals.parameters.published()},
                              {"trained_parameters", totals.parameters.trained},
                              {"flops", totals.flops},
                              {"output_bytes", totals.outputs},
                              {"saved_bytes", totals.saved},
                              {"lean_saved_bytes", totals.lean},
                              {"stages", rows}};
  std::cout << all.dump(2) << "\n";
}

// Sets `value` to the enumerator at the index of `word` in `words`.
template <typename Enum, size_t N>
absl::Status SetByWord(const char* flag, const std::string& word, const char* const (&names)[N],
                       Enum* value) {
  const std::vector<std::string> words(names, names + N);
  const std::optional<size_t> index = FindWord(word, words);
  if (!index.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, " is '", word, "'; allowed is ", WordList(words)));
  }
  *value = static_cast<Enum>(*index);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Model>> Build(const ModelCommandOptions& options,
                                             int64_t num_classes,
                                             at::DeviceType device = at::kCPU) {
  if (options.model.empty()) {
    return absl::InvalidArgumentError("--model=NAME is missing; `model list` shows the names");
  }
  ModelSpec spec;
  spec.name = options.model;
  spec.num_classes = num_classes;
  spec.device = device;
  spec.num_frames = options.num_frames;
  spec.height = spec.width = options.img_size;
  SLIMREEL_RETURN_IF_ERROR(SetByWord("temporal_pooling", options.temporal_pooling,
                                     kTemporalPoolingWords, &spec.temporal_pooling));
  SLIMREEL_RETURN_IF_ERROR(SetByWord("fusion", options.fusion, kStreamFusionWords, &spec.fusion));
  return BuildModel(spec);
}

absl::Status Describe(const ModelCommandOptions& options) {
  SLIMREEL_ASSIGN_OR_RETURN(
      const std::unique_ptr<Model> model,
      Build(options, options.num_classes > 0 ? options.num_classes : kDefaultClasses));
  const std::vector<StageDescription> stages =
      DescribeStages(*model, options.batch, [] { return ReadCpuMemory().live_bytes; });
  options.json ? PrintJson(*model, options.batch, stages)
               : PrintTable(*model, options.batch, stages);
  return absl::OkStatus();
}

// --num_classes, or the classes of the files' heads, or the default.
absl::StatusOr<int64_t> ClassesToImport(const ModelCommandOptions& options,
                                        const std::vector<WeightFiles>& files) {
  if (options.num_classes > 0) return options.num_classes;
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> shapes,
                            Build(options, kDefaultClasses, at::kMeta));
  const auto classes = ClassesOfPretrained(*shapes, files);
  if (!classes.ok()) {
    return absl::Status(classes.status().code(),
                        absl::StrCat(classes.status().message(), " (--num_classes)"));
  }
  return classes->value_or(kDefaultClasses);
}

// Adds VideoMAE's query and value biases a second time, under their other names.
absl::Status AddSecondNames(const Model& model, std::vector<NamedTensor>* tensors) {
  const size_t count = tensors->size();
  for (size_t i = 0; i < count; ++i) {
    const std::string second = SecondNameOfBias((*tensors)[i].name);
    if (!second.empty()) tensors->push_back({second, (*tensors)[i].tensor});
  }
  if (tensors->size() > count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--both_bias_names is only for video_vit_*; the biases of ", model.name,
                   " have one name each; leave the flag out"));
}

absl::Status Import(const ModelCommandOptions& options) {
  if (options.weights.empty() || options.output.empty()) {
    return absl::InvalidArgumentError("import needs --model, --weights and --output");
  }
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<WeightFiles> files, OpenPretrained(options.weights));
  SLIMREEL_ASSIGN_OR_RETURN(const int64_t num_classes, ClassesToImport(options, files));
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, Build(options, num_classes));
  SLIMREEL_ASSIGN_OR_RETURN(const PretrainedReport report, LoadPretrained(*model, files));
  std::vector<NamedTensor> tensors = Parameters(*model);
  for (NamedTensor& buffer : Buffers(*model)) tensors.push_back(std::move(buffer));
  const size_t count = tensors.size();
  if (options.both_bias_names) SLIMREEL_RETURN_IF_ERROR(AddSecondNames(*model, &tensors));
  // transformers needs "format" to know that the tensors are PyTorch's.
  SLIMREEL_RETURN_IF_ERROR(
      SaveWeights(options.output, tensors, {{"format", "pt"}, {"model", model->name}}));
  for (const WeightFiles& file : files) {
    absl::PrintF("%s: %d tensors, %s\n", file.path(), file.entries().size(),
                 LayoutOf(file.entries()));
  }
  for (const std::string& note : report.notes) absl::PrintF("  %s\n", note);
  absl::PrintF("%s: %d tensors of %s for %d classes, %d of them from the file\n", options.output,
               count, model->name, model->num_classes, report.loaded);
  if (tensors.size() > count) {
    absl::PrintF("  and %d biases a second time, as query.bias and value.bias\n",
                 tensors.size() - count);
  }
  return absl::OkStatus();
}

absl::Status RunCommand(const std::string& command, const ModelCommandOptions& options) {
  if (command == "list") return List(options);
  return command == "describe" ? Describe(options) : Import(options);
}

absl::Status DoesNotFit(const std::string& command, const ModelCommandOptions& options) {
  const int64_t needed = ReadCpuMemory().needed_bytes;
  return NothingFitsError(
      absl::StrCat(command, " of ", options.model, " with --batch=", options.batch,
                   " --num_frames=", options.num_frames, " --img_size=", options.img_size,
                   " does not fit into the free memory of this machine",
                   needed > 0 ? absl::StrCat(" (it needs at least ", FormatBytes(needed), ")") : "",
                   "; make --batch, --num_frames or --img_size smaller, or use a smaller model"));
}

absl::Status Run(const CommandLine& line) {
  const ModelCommandOptions options = ModelOptionsFromFlags();
  SLIMREEL_ASSIGN_OR_RETURN(const std::string command, ModelCommandWord(line.positional));
  SLIMREEL_RETURN_IF_ERROR(options.Validate());
  // Without a budget the system would promise more memory than it has, and then kill the
  // process that uses it.
  SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
  SetCpuBudget(LowestFreeCeiling(host, /*user=*/{}, /*key=*/"").bytes);
  try {
    return RunCommand(command, options);
  } catch (const c10::OutOfMemoryError&) {
  } catch (const std::bad_alloc&) {
  }
  // Outside of the catch block the exception is gone, and with it the tensors that it kept alive.
  return DoesNotFit(command, options);
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();
  slimreel::Program program;
  program.name = "model";
  program.synopsis =
      "model list | describe --model=NAME | import --model=NAME --weights=F --output=F [flags]";
  program.description =
      "list: shows all models.\n"
      "describe: runs a model and shows its stages, output shapes, parameters, FLOPs, and the "
      "bytes "
      "that each stage keeps for backward.\n"
      "import: checks weights of torchvision, Hugging Face, mmaction2 or a network's authors and "
      "writes them with the model's keys; "
      "`train` takes the result, or the source itself, as model.weights.";
  program.flags = slimreel::ModelFlagNames();
  program.takes_positional = true;
  program.examples =
      "model describe --model=r3d_18 --batch=8 --img_size=56\n"
      "model import --model=r3d_18 --weights=r3d_18.safetensors --num_classes=6 "
      "--output=start.safetensors";
  return slimreel::RunProgram(argc, argv, program, slimreel::Run);
}
