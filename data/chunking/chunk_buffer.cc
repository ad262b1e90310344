#include "data/chunking/chunk_buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr int64_t kPage = 4096;

int64_t RoundUp(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

absl::Status Exhausted(const std::string& what, int error) {
  return absl::ResourceExhaustedError(absl::StrCat(what, ": ", std::strerror(error)));
}

// Opens a file without a name: it disappears with the process, however that ends.
int OpenUnnamed(const std::string& folder) {
  const int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // For file systems without O_TMPFILE: a named file, unlinked at once.
  std::string name = folder + "/.chunk.XXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

void* Map(int64_t capacity, int file) {
  const int flags = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  return mmap(nullptr, capacity, PROT_READ | PROT_WRITE, flags, file, 0);
}

// Grows the mapping of `file` (-1: of memory) from `size` to `capacity` bytes. It may move.
void* Grow(void* data, int64_t size, int64_t capacity, int file) {
  if (data == nullptr) return Map(capacity, file);
#if defined(__SANITIZE_THREAD__)
  // The thread sanitizer does not know mremap: it would blame the earlier user of that address for
  // the moved bytes.
  void* grown = Map(capacity, file);
  if (grown == MAP_FAILED) return grown;
  if (file < 0) std::memcpy(grown, data, size);
  munmap(data, size);
  return grown;
#else
  static_cast<void>(file);
  return mremap(data, size, capacity, MREMAP_MAYMOVE);
#endif
}

}  // namespace

ChunkBuffer::~ChunkBuffer() { Release(); }

ChunkBuffer::ChunkBuffer(ChunkBuffer&& other) noexcept { *this = std::move(other); }

ChunkBuffer& ChunkBuffer::operator=(ChunkBuffer&& other) noexcept {
  if (this == &other) return *this;
  Release();
  memory_bytes_ = other.memory_bytes_;
  spill_folder_ = other.spill_folder_;
  data_ = std::exchange(other.data_, nullptr);
  capacity_ = std::exchange(other.capacity_, 0);
  file_ = std::exchange(other.file_, -1);
  spilled_ = std::exchange(other.spilled_, false);
  return *this;
}

void ChunkBuffer::Release() {
  if (data_ != nullptr) munmap(data_, capacity_);
  Seal();
  data_ = nullptr;
  capacity_ = 0;
  spilled_ = false;
}

void ChunkBuffer::Seal() {
  if (file_ >= 0) close(file_);
  file_ = -1;
}

absl::Status ChunkBuffer::Reserve(int64_t bytes) {
  if (bytes <= capacity_) return absl::OkStatus();
  // Grows by a quarter at least. That copies nothing: the system only changes page tables.
  const int64_t capacity = RoundUp(std::max(bytes, capacity_ + capacity_ / 4));
  if (!spilled_ && capacity > memory_bytes_) return Spill(RoundUp(bytes));
  if (spilled_) {
    // Allocates the disk space: without it, a write into the mapping would kill the process.
    if (const int error = posix_fallocate(file_, 0, capacity); error != 0) {
      return Exhausted(absl::StrCat(spill_folder_, " (frames of a long chunk)"), error);
    }
  }
  void* grown = Grow(data_, capacity_, capacity, file_);
  if (grown == MAP_FAILED) return Exhausted("memory for a chunk of frames", errno);
  data_ = static_cast<uint8_t*>(grown);
  capacity_ = capacity;
  return absl::OkStatus();
}

absl::Status ChunkBuffer::MoveToFile() {
  SLIMREEL_RETURN_IF_ERROR(data_ == nullptr || spilled_ ? absl::OkStatus() : Spill(capacity_));
  Seal();
  return absl::OkStatus();
}

absl::Status ChunkBuffer::Spill(int64_t capacity) {
  const int file = OpenUnnamed(spill_folder_);
  if (file < 0) return Exhausted(absl::StrCat(spill_folder_, " (frames of a long chunk)"), errno);
  int error = posix_fallocate(file, 0, capacity);
  void* mapped = MAP_FAILED;
  if (error == 0) {
    mapped = Map(capacity, file);
    if (mapped == MAP_FAILED) error = errno;
  }
  if (error != 0) {
    close(file);
    return Exhausted(absl::StrCat(spill_folder_, " (frames of a long chunk)"), error);
  }
  if (data_ != nullptr) std::memcpy(mapped, data_, capacity_);
  Release();
  data_ = static_cast<uint8_t*>(mapped);
  capacity_ = capacity;
  file_ = file;
  spilled_ = true;
  return absl::OkStatus();
}

}  // namespace slimreel
