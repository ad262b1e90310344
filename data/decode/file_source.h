// Opens one regular file and reads its bytes for libavformat, and remembers errno if a read fails.
// (libavformat's own file protocol reports most errors as "end of file".)
//
// Threading: one thread at a time. The source must outlive the demuxer that reads it.
#ifndef DATA_DECODE_FILE_SOURCE_H_
#define DATA_DECODE_FILE_SOURCE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/decode/libav_handles.h"

namespace slimreel {

class FileSource {
 public:
  // The signature of pread(2). Tests put a failing disk in its place.
  using ReadFunction = std::function<ssize_t(int file, void* to, size_t bytes, off_t at)>;

  // Refuses pipes, sockets, devices and folders, without waiting for one. `stopped` is polled
  // before each read; true ends the read with AVERROR_EXIT.
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path,
                                                          std::function<bool()> stopped,
                                                          ReadFunction read = nullptr);
  ~FileSource();
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  AVIOContext* io() const { return io_.get(); }
  // Reads up to `bytes` bytes at offset `at`. Returns how many it read. Does not move io().
  size_t ReadAt(uint64_t at, uint8_t* to, size_t bytes);
  int64_t bytes() const;  // the present size of the file; 0 if the system cannot tell
  // The error of the first read that failed, or OK. libav may have gone on after it.
  absl::Status status() const;

 private:
  FileSource() = default;
  // Returns >= 0, or -1 with errno set. Keeps the first error for status().
  ssize_t Pread(int64_t at, uint8_t* to, size_t bytes);
  static int Read(void* source, uint8_t* to, int bytes);
  static int64_t Seek(void* source, int64_t offset, int whence);

  std::string path_;
  std::function<bool()> stopped_;
  ReadFunction read_;
  int file_ = -1;
  int64_t at_ = 0;
  int errno_ = 0;  // of the first read that failed
  IoContextPtr io_;
};

}  // namespace slimreel

#endif  // DATA_DECODE_FILE_SOURCE_H_
