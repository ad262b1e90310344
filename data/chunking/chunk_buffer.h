// Memory for the frames of one chunk. It grows without copying; past a limit it
// moves into an unnamed file, so that long chunks of large frames cost disk
// and not memory (the system writes its pages out and drops them).
//
// Threading: none of its own; it may move between threads. A buffer holds one descriptor at
// most, and none once it is sealed.
#ifndef DATA_CHUNKING_CHUNK_BUFFER_H_
#define DATA_CHUNKING_CHUNK_BUFFER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace slimreel {

class ChunkBuffer {
 public:
  ChunkBuffer() = default;
  // `spill_folder`: where the unnamed file goes once the size passes `memory_bytes`.
  ChunkBuffer(int64_t memory_bytes, std::string spill_folder)
      : memory_bytes_(memory_bytes), spill_folder_(std::move(spill_folder)) {}
  ~ChunkBuffer();
  ChunkBuffer(ChunkBuffer&& other) noexcept;
  ChunkBuffer& operator=(ChunkBuffer&& other) noexcept;

  // At least `bytes` from data() on; what is there stays. RESOURCE_EXHAUSTED:
  // no memory, or no room on the disk.
  absl::Status Reserve(int64_t bytes);

  // Out of memory into the unnamed file, whatever the size, and seals; for chunks that wait.
  absl::Status MoveToFile();

  // It grows no more; gives back the descriptor. The mapping keeps an unnamed file.
  void Seal();

  uint8_t* data() const { return data_; }
  // What counts against memory, and against the disk.
  int64_t memory_in_use() const { return spilled_ ? 0 : capacity_; }
  int64_t disk_in_use() const { return spilled_ ? capacity_ : 0; }
  bool spilled() const { return spilled_; }

 private:
  absl::Status Spill(int64_t capacity);
  void Release();

  int64_t memory_bytes_ = 0;
  std::string spill_folder_;
  uint8_t* data_ = nullptr;  // mapped
  int64_t capacity_ = 0;
  int file_ = -1;  // open as long as a spilled buffer may grow
  bool spilled_ = false;
};

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_BUFFER_H_
