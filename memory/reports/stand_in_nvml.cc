// A stand-in for the driver's library, for tests: one card of 8 GiB and the processes that
// STAND_IN_NVML names, as "PID:BYTES,PID:BYTES"; "-" for bytes that the driver does not tell. The
// last process is in the list of graphics, the first one in both. With OLD_DRIVER it has the
// functions of an older driver. Written after NVIDIA's reference, not after our caller.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kSuccess = 0, kUninitialized = 1, kInvalidArgument = 2, kInsufficientSize = 7;

struct Info {
  unsigned int pid;
  unsigned long long used_gpu_memory;
  unsigned int gpu_instance_id;
  unsigned int compute_instance_id;
};

int started = 0;
int the_card = 0;

std::vector<Info> All() {
  std::vector<Info> all;
  const char* text = std::getenv("STAND_IN_NVML");
  while (text != nullptr && *text != '\0') {
    char* end = nullptr;
    Info info{static_cast<unsigned int>(std::strtoul(text, &end, 10)), ~0ULL, ~0U, ~0U};
    if (end[1] == '-') {
      end += 2;
    } else {
      info.used_gpu_memory = std::strtoull(end + 1, &end, 10);
    }
    all.push_back(info);
    text = *end == ',' ? end + 1 : end;
  }
  return all;
}

int Give(void* card, const std::vector<Info>& found, unsigned int* count, Info* infos) {
  if (started <= 0) return kUninitialized;
  if (card != &the_card || count == nullptr) return kInvalidArgument;
  const unsigned int room = *count;
  *count = static_cast<unsigned int>(found.size());
  if (room < found.size()) return kInsufficientSize;
  std::memcpy(infos, found.data(), found.size() * sizeof(Info));
  return kSuccess;
}

int Text(void* card, char* text, unsigned int length, const std::string& value) {
  if (started <= 0) return kUninitialized;
  if (card != &the_card) return kInvalidArgument;
  if (length <= value.size()) return kInsufficientSize;
  std::memcpy(text, value.c_str(), value.size() + 1);
  return kSuccess;
}

}  // namespace

extern "C" {

int nvmlInit_v2() { return ++started, kSuccess; }
int nvmlShutdown() { return started > 0 ? (--started, kSuccess) : kUninitialized; }

int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = 1;
  return started > 0 ? kSuccess : kUninitialized;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** card) {
  if (index > 0) return kInvalidArgument;
  *card = &the_card;
  return started > 0 ? kSuccess : kUninitialized;
}

int nvmlDeviceGetName(void* card, char* text, unsigned int length) {
  return Text(card, text, length, "Stand-in 8GB");
}

int nvmlDeviceGetMemoryInfo(void* card, unsigned long long* total_free_used) {
  if (card != &the_card) return kInvalidArgument;
  total_free_used[0] = 8ULL << 30;
  total_free_used[1] = 3ULL << 30;
  total_free_used[2] = 5ULL << 30;
  return kSuccess;
}

#ifdef OLD_DRIVER
int nvmlDeviceGetComputeRunningProcesses_v2(void* card, unsigned int* count, Info* infos) {
  return Give(card, All(), count, infos);
}
#else
int nvmlDeviceGetUUID(void* card, char* text, unsigned int length) {
  return Text(card, text, length, "GPU-11111111-2222-3333-4444-555555555555");
}

int nvmlDeviceGetComputeRunningProcesses_v3(void* card, unsigned int* count, Info* infos) {
  std::vector<Info> found = All();
  if (found.size() > 1) found.pop_back();
  return Give(card, found, count, infos);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void* card, unsigned int* count, Info* infos) {
  std::vector<Info> found = All();
  if (found.size() > 2) found.erase(found.begin() + 1, found.end() - 1);
  return Give(card, found, count, infos);
}
#endif
}
