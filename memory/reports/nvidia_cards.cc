#include "memory/reports/nvidia_cards.h"

#include <dlfcn.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "memory/reports/processes.h"

namespace slimreel {
namespace {

// The part of NVML's interface that is used here, as NVIDIA documents it ("NVML API Reference
// Guide"). The library keeps it stable: a changed struct comes with a new suffix of the function.
constexpr int kSuccess = 0;
constexpr int kInsufficientSize = 7;
constexpr unsigned long long kNotAvailable = std::numeric_limits<unsigned long long>::max();

using Device = void*;
struct Memory {
  unsigned long long total, free, used;
};
struct ProcessInfo {  // of the functions that end in _v2 and _v3
  unsigned int pid;
  unsigned long long used_bytes;
  unsigned int gpu_instance, compute_instance;
};
using GetProcesses = int(Device, unsigned int* count, ProcessInfo* processes);
using GetText = int(Device, char* text, unsigned int length);

// A null `processes` is the same as no processes: an old driver may lack the function.
void AddProcesses(GetProcesses* get, Device card, std::map<int64_t, std::optional<int64_t>>* held) {
  if (get == nullptr) return;
  std::vector<ProcessInfo> found(16);
  int result = kInsufficientSize;
  // Between two calls, further processes may start.
  for (int attempt = 0; attempt < 5 && result == kInsufficientSize; ++attempt) {
    auto count = static_cast<unsigned int>(found.size());
    result = get(card, &count, found.data());
    found.resize(result == kInsufficientSize ? std::max<size_t>(2 * found.size(), count) : count);
  }
  if (result != kSuccess) return;
  for (const ProcessInfo& info : found) {
    std::optional<int64_t>& bytes = (*held)[info.pid];
    if (info.used_bytes == kNotAvailable) continue;
    // A process that computes and draws is in both lists, each time with all of its memory.
    bytes = std::max(bytes.value_or(0), static_cast<int64_t>(info.used_bytes));
  }
}

std::string TextFrom(GetText* get, Device card) {
  char text[96] = {};  // the documented sizes of a name and of a UUID
  if (get == nullptr || get(card, text, sizeof(text)) != kSuccess) return "";
  text[sizeof(text) - 1] = '\0';
  return text;
}

}  // namespace

struct NvidiaCards::Library {
  void* handle = nullptr;
  int (*shutdown)() = nullptr;
  int (*get_count)(unsigned int*) = nullptr;
  int (*get_card)(unsigned int, Device*) = nullptr;
  int (*get_memory)(Device, Memory*) = nullptr;
  GetText* get_name = nullptr;
  GetText* get_uuid = nullptr;
  GetProcesses* get_compute = nullptr;
  GetProcesses* get_graphics = nullptr;

  ~Library() {
    if (handle != nullptr) dlclose(handle);
  }
  // False: the library lacks every one of `names`.
  template <typename Function>
  bool Find(std::initializer_list<const char*> names, Function** function) const {
    for (const char* name : names) {
      *function = reinterpret_cast<Function*>(dlsym(handle, name));
      if (*function != nullptr) return true;
    }
    return false;
  }
};

NvidiaCards::NvidiaCards(std::unique_ptr<Library> library) : library_(std::move(library)) {}

NvidiaCards::~NvidiaCards() { library_->shutdown(); }

std::unique_ptr<NvidiaCards> NvidiaCards::Load() {
  auto library = std::make_unique<Library>();
  library->handle = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library->handle == nullptr) return nullptr;
  int (*init)() = nullptr;
  const bool complete = library->Find({"nvmlInit_v2"}, &init) &&
                        library->Find({"nvmlShutdown"}, &library->shutdown) &&
                        library->Find({"nvmlDeviceGetCount_v2"}, &library->get_count) &&
                        library->Find({"nvmlDeviceGetHandleByIndex_v2"}, &library->get_card) &&
                        library->Find({"nvmlDeviceGetMemoryInfo"}, &library->get_memory);
  if (!complete || init() != kSuccess) return nullptr;
  library->Find({"nvmlDeviceGetName"}, &library->get_name);
  library->Find({"nvmlDeviceGetUUID"}, &library->get_uuid);
  library->Find(
      {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"},
      &library->get_compute);
  library->Find(
      {"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"},
      &library->get_graphics);
  return std::unique_ptr<NvidiaCards>(new NvidiaCards(std::move(library)));
}

std::vector<NvidiaCard> NvidiaCards::Read() const {
  std::vector<NvidiaCard> cards;
  unsigned int count = 0;
  if (library_->get_count(&count) != kSuccess) return cards;
  for (unsigned int index = 0; index < count; ++index) {
    Device device = nullptr;
    Memory memory{};
    if (library_->get_card(index, &device) != kSuccess) continue;
    if (library_->get_memory(device, &memory) != kSuccess) continue;
    NvidiaCard card;
    card.name = TextFrom(library_->get_name, device);
    card.uuid = TextFrom(library_->get_uuid, device);
    card.total_bytes = static_cast<int64_t>(memory.total);
    card.free_bytes = static_cast<int64_t>(memory.free);
    std::map<int64_t, std::optional<int64_t>> held;
    AddProcesses(library_->get_compute, device, &held);
    AddProcesses(library_->get_graphics, device, &held);
    for (const auto& [pid, bytes] : held) card.processes.push_back({pid, CommandOf(pid), bytes});
    std::stable_sort(card.processes.begin(), card.processes.end(),
                     [](const CardProcess& a, const CardProcess& b) { return a.bytes > b.bytes; });
    cards.push_back(std::move(card));
  }
  return cards;
}

}  // namespace slimreel
