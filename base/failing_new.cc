#include "base/failing_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace slimreel {
namespace {

constexpr int64_t kOff = -1;

thread_local int64_t until_failure = kOff;
thread_local int64_t failures_left = 0;
thread_local int64_t num_failed = 0;

void* MallocOrFail(size_t bytes) noexcept {
  if (until_failure > 0) {
    --until_failure;
  } else if (until_failure == 0 && failures_left > 0) {
    --failures_left;
    ++num_failed;
    return nullptr;
  }
  return std::malloc(bytes > 0 ? bytes : 1);
}

void* MallocOrThrow(size_t bytes) {
  void* const data = MallocOrFail(bytes);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

FailingNew::FailingNew(int64_t nth, int64_t count) {
  until_failure = nth;
  failures_left = count;
}

FailingNew::~FailingNew() { until_failure = kOff; }

int64_t FailingNew::TakeNumFailed() { return std::exchange(num_failed, 0); }

}  // namespace slimreel

void* operator new(size_t bytes) { return slimreel::MallocOrThrow(bytes); }
void* operator new[](size_t bytes) { return slimreel::MallocOrThrow(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return slimreel::MallocOrFail(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return slimreel::MallocOrFail(bytes);
}
void operator delete(void* data) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete(void* data, size_t) noexcept { std::free(data); }
void operator delete[](void* data, size_t) noexcept { std::free(data); }
