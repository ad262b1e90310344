// An LD_PRELOAD library that counts the live and peak bytes of large heap blocks, whoever allocates
// them. It measures the peak of tensor bytes independently of this project's allocator, and in the
// same way for PyTorch eager.
//
// It replaces malloc, calloc, realloc, free, posix_memalign, aligned_alloc and memalign, and calls
// glibc's own functions. It counts malloc_usable_size of blocks of at least 64 KiB: tensors, but
// not the interpreter's small objects. SIGUSR1 sets the peak to the bytes that are live. At exit
// and on SIGUSR2, it writes one line `live_bytes peak_bytes` to the file named by
// MALLOC_COUNTER_OUT.
//
// Threading: counters are atomic; the peak is exact except for concurrent updates.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);
}

namespace {

constexpr size_t kCountedFrom = 64 << 10;
std::atomic<int64_t> live{0};
std::atomic<int64_t> peak{0};

void* Count(void* block) {
  if (block == nullptr) return block;
  const size_t size = malloc_usable_size(block);
  if (size < kCountedFrom) return block;
  const int64_t now = live.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size);
  int64_t seen = peak.load();
  while (now > seen && !peak.compare_exchange_weak(seen, now)) {
  }
  return block;
}

void Discount(void* block) {
  if (block == nullptr) return;
  const size_t size = malloc_usable_size(block);
  if (size >= kCountedFrom) live.fetch_sub(static_cast<int64_t>(size));
}

void Report() {
  const char* path = getenv("MALLOC_COUNTER_OUT");
  if (path == nullptr) return;
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  dprintf(file, "%lld %lld\n", static_cast<long long>(live.load()),
          static_cast<long long>(peak.load()));
  close(file);
}

__attribute__((constructor)) void Start() {
  signal(SIGUSR1, [](int) { peak.store(live.load()); });
  signal(SIGUSR2, [](int) { Report(); });
  atexit(Report);
}

}  // namespace

extern "C" {

void* malloc(size_t size) { return Count(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return Count(__libc_calloc(count, size)); }
void* memalign(size_t alignment, size_t size) { return Count(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) {
  return Count(__libc_memalign(alignment, size));
}
void free(void* block) {
  Discount(block);
  __libc_free(block);
}
void* realloc(void* block, size_t size) {
  Discount(block);
  void* moved = __libc_realloc(block, size);
  if (moved == nullptr && size != 0) Count(block);  // the old block stays
  return Count(moved);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  void* block = __libc_memalign(alignment, size);
  if (block == nullptr) return ENOMEM;
  *out = Count(block);
  return 0;
}
}
