// Memory for the frames of one chunk. It grows without copying. Past a limit it moves into an
// unnamed file, so that long chunks of large frames cost disk space and not memory (the system
// writes the pages out and drops them).
//
// Threading: one thread at a time. A buffer holds at most one file descriptor, and none after Seal.
#ifndef DATA_CHUNKING_CHUNK_BUFFER_H_
#define DATA_CHUNKING_CHUNK_BUFFER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace slimreel {

class ChunkBuffer {
 public:
  ChunkBuffer() = default;
  // `spill_folder`: folder of the unnamed file, made when the size passes `memory_bytes`.
  ChunkBuffer(int64_t memory_bytes, std::string spill_folder)
      : memory_bytes_(memory_bytes), spill_folder_(std::move(spill_folder)) {}
  ~ChunkBuffer();
  ChunkBuffer(ChunkBuffer&& other) noexcept;
  ChunkBuffer& operator=(ChunkBuffer&& other) noexcept;

  // Makes room for at least `bytes` at data(), and keeps the contents. data() may change.
  // RESOURCE_EXHAUSTED: no memory, or no room on the disk.
  absl::Status Reserve(int64_t bytes);

  // Moves the contents into the unnamed file, whatever their size, and seals. For chunks that wait.
  absl::Status MoveToFile();

  // Closes the descriptor; the buffer can no longer grow. The mapping keeps the unnamed file alive.
  void Seal();

  uint8_t* data() const { return data_; }
  // Bytes in memory, and bytes on the disk; one of them is 0.
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
  int file_ = -1;  // open while a spilled buffer may grow
  bool spilled_ = false;
};

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_BUFFER_H_
