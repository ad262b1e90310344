#include "memory/profile/profile_environment.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <link.h>
#include <sys/stat.h>
#include <torch/headeronly/version.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {
namespace {

// Variables that begin so choose kernels, their instruction set, their scratch or their threads.
constexpr absl::string_view kVariables[] = {"ATEN_",     "CUBLAS",   "CUDA_",  "CUDNN_", "DNNL_",
                                            "GOMP_",     "KMP_",     "MKL_",   "NVIDIA", "ONEDNN_",
                                            "OPENBLAS_", "PYTORCH_", "TORCH_", "OMP_"};

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// The build id in the notes of a loaded object, or "".
std::string BuildId(const dl_phdr_info& object) {
  for (int n = 0; n < object.dlpi_phnum; ++n) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[n];
    if (segment.p_type != PT_NOTE) continue;
    const size_t unit = std::max<size_t>(4, segment.p_align);
    const char* const begin = reinterpret_cast<const char*>(object.dlpi_addr + segment.p_vaddr);
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= segment.p_memsz;) {
      const auto& note = *reinterpret_cast<const ElfW(Nhdr)*>(begin + at);
      const size_t name = at + sizeof(note);
      const size_t value = RoundUp(name + note.n_namesz, unit);
      if (value + note.n_descsz > segment.p_memsz) break;
      if (note.n_type == NT_GNU_BUILD_ID && absl::string_view(begin + name, note.n_namesz) ==
                                                absl::string_view("GNU", sizeof("GNU"))) {
        return absl::BytesToHexString(absl::string_view(begin + value, note.n_descsz));
      }
      at = RoundUp(value + note.n_descsz, unit);
    }
  }
  return "";
}

// What identifies a loaded object that has no build id: its file.
std::string FileFacts(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return path;
  return absl::StrCat(path, " ", facts.st_size, " ", facts.st_mtim.tv_sec, ".",
                      facts.st_mtim.tv_nsec);
}

int AddObject(dl_phdr_info* object, size_t, void* all) {
  const std::string path = *object->dlpi_name == '\0' ? "/proc/self/exe" : object->dlpi_name;
  const std::string id = BuildId(*object);
  static_cast<std::vector<std::string>*>(all)->push_back(id.empty() ? FileFacts(path) : id);
  return 0;
}

// Changes with each build of the program and of any library that it has loaded.
std::string ProgramFingerprint() {
  std::vector<std::string> objects;
  dl_iterate_phdr(AddObject, &objects);
  std::sort(objects.begin(), objects.end());
  const std::string text = absl::StrJoin(objects, "\n");
  return absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
}

std::string ProcessorName() {
  const auto text = ReadFile("/proc/cpuinfo");
  if (!text.ok()) return "unknown";
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (absl::StartsWith(line, "model name")) return std::string(line);
  }
  return "unknown";
}

// c10 has no name of an accelerator. Its memory's size and its driver stand for it.
std::string DescribeDevice(at::Device device) {
  if (device.is_cpu()) return "cpu";
  const auto driver = ReadFile("/proc/driver/nvidia/version");
  return absl::StrCat(device.str(), " ", ReadDeviceTotals(device).total_bytes, " ",
                      driver.ok() ? *driver : "");
}

std::string Variables() {
  std::vector<std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool wanted =
        std::any_of(std::begin(kVariables), std::end(kVariables),
                    [&](absl::string_view start) { return absl::StartsWith(*entry, start); });
    if (wanted) found.emplace_back(*entry);
  }
  std::sort(found.begin(), found.end());
  return absl::StrJoin(found, " ");
}

// In the order of ATen/Context.h.
std::string Flags() {
  const at::Context& context = at::globalContext();
  const std::vector<int> flags = {context.userEnabledCuDNN(),
                                  context.userEnabledMkldnn(),
                                  context.benchmarkCuDNN(),
                                  context.benchmarkLimitCuDNN(),
                                  context.deterministicCuDNN(),
                                  context.deterministicMkldnn(),
                                  context.userEnabledNNPACK(),
                                  context.userEnabledFlashSDP(),
                                  context.userEnabledMemEfficientSDP(),
                                  context.userEnabledMathSDP(),
                                  context.userEnabledCuDNNSDP(),
                                  context.allowFP16BF16ReductionMathSDP(),
                                  context.deterministicAlgorithms(),
                                  context.deterministicFillUninitializedMemory(),
                                  static_cast<int>(context.float32MatmulPrecision()),
                                  static_cast<int>(context.allowFP16ReductionCuBLAS()),
                                  static_cast<int>(context.allowBF16ReductionCuBLAS()),
                                  context.allowFP16AccumulationCuBLAS(),
                                  context.allowFP16ReductionCPU()};
  std::string text = absl::StrJoin(flags, ",");
  for (const auto backend : {at::Float32Backend::CUDA, at::Float32Backend::MKLDNN}) {
    for (const auto op : {at::Float32Op::CONV, at::Float32Op::RNN, at::Float32Op::MATMUL}) {
      absl::StrAppend(&text, ",", at::precision2str(context.float32Precision(backend, op)));
    }
  }
  return text;
}

}  // namespace

std::string DescribeEnvironment(at::Device device) {
  return absl::StrCat("program ", ProgramFingerprint(), "\nprocessor ", ProcessorName(),
                      "\ninstruction set ", at::get_cpu_capability(), "\ndevice ",
                      DescribeDevice(device), "\nthreads ", at::get_num_threads(), "\ntorch ",
                      TORCH_VERSION, "\nflags ", Flags(), "\nvariables ", Variables());
}

}  // namespace slimreel
