// The bytes of one regular file, for libavformat: opened and read here, so that every errno is
// known. (libavformat's own file protocol hides most of them behind "end of file".)
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
  // As pread(2), which it is unless a test stands in for a failing disk.
  using ReadFunction = std::function<ssize_t(int file, void* to, size_t bytes, off_t at)>;

  // Refuses pipes, sockets, devices and folders, and never waits for one. `stopped` is polled
  // before each read.
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path,
                                                          std::function<bool()> stopped,
                                                          ReadFunction read = nullptr);
  ~FileSource();
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  AVIOContext* io() const { return io_.get(); }
  // Up to `bytes` at `at`, beside what io() reads; how many there were.
  size_t ReadAt(uint64_t at, uint8_t* to, size_t bytes);
  int64_t bytes() const;  // of the file, now; 0 where that cannot be asked
  // The trouble of the first read that failed, OK while all went well. libav may have gone on.
  absl::Status status() const;

 private:
  FileSource() = default;
  // >= 0, or -1 with errno; what fails for good is kept for status().
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
