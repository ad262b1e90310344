#include "data/decode/file_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "data/decode/media_error.h"
#include "data/decode/system_error.h"

namespace slimreel {
namespace {

constexpr int kBufferBytes = 64 << 10;

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Refuses the rest: a pipe or a device may never end, and cannot be read twice.
absl::Status CheckRegularFile(const std::string& path, const struct stat& status) {
  if (S_ISREG(status.st_mode)) return absl::OkStatus();
  return MediaError(absl::StatusCode::kInvalidArgument, kReasonUnreadable,
                    absl::StrCat(path, ": this is ", KindOf(status.st_mode),
                                 "; only regular files are read: copy its content into one"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path,
                                                             std::function<bool()> stopped,
                                                             ReadFunction read) {
  struct stat status;
  // Check before open(2) too, because opening a device may have effects.
  if (stat(path.c_str(), &status) != 0) return ErrnoStatus(path, errno);
  if (absl::Status refused = CheckRegularFile(path, status); !refused.ok()) return refused;
  std::unique_ptr<FileSource> source(new FileSource);
  source->path_ = path;
  source->stopped_ = std::move(stopped);
  source->read_ = read ? std::move(read) : pread;
  // O_NONBLOCK: do not wait if a pipe has taken the file's place meanwhile.
  source->file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (source->file_ < 0 || fstat(source->file_, &status) != 0) return ErrnoStatus(path, errno);
  if (absl::Status refused = CheckRegularFile(path, status); !refused.ok()) return refused;
  source->io_ = NewReadingContext(kBufferBytes, source.get(), Read, Seek);
  if (source->io_ == nullptr) return ErrnoStatus(path, ENOMEM);
  return source;
}

FileSource::~FileSource() {
  if (file_ >= 0) close(file_);
}

int64_t FileSource::bytes() const {
  struct stat status;
  return fstat(file_, &status) == 0 ? status.st_size : 0;
}

absl::Status FileSource::status() const {
  return errno_ == 0 ? absl::OkStatus() : ErrnoStatus(path_, errno_);
}

ssize_t FileSource::Pread(int64_t at, uint8_t* to, size_t bytes) {
  ssize_t got = -1;
  do {
    got = read_(file_, to, bytes, at);
  } while (got < 0 && errno == EINTR && !(stopped_ && stopped_()));
  if (got < 0 && errno_ == 0) errno_ = errno;
  return got;
}

size_t FileSource::ReadAt(uint64_t at, uint8_t* to, size_t bytes) {
  const ssize_t got = Pread(static_cast<int64_t>(at), to, bytes);
  return got < 0 ? 0 : static_cast<size_t>(got);
}

int FileSource::Read(void* source, uint8_t* to, int bytes) {
  FileSource& self = *static_cast<FileSource*>(source);
  if (self.stopped_ && self.stopped_()) return AVERROR_EXIT;
  const ssize_t got = self.Pread(self.at_, to, static_cast<size_t>(bytes));
  if (got == 0) return AVERROR_EOF;
  if (got < 0) return AVERROR(errno);
  self.at_ += got;
  return static_cast<int>(got);
}

int64_t FileSource::Seek(void* source, int64_t offset, int whence) {
  FileSource& self = *static_cast<FileSource*>(source);
  if (self.stopped_ && self.stopped_()) return AVERROR_EXIT;
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return self.bytes();
  if (whence == SEEK_CUR) offset += self.at_;
  if (whence == SEEK_END) offset += self.bytes();
  if (offset < 0) return AVERROR(EINVAL);
  return self.at_ = offset;
}

}  // namespace slimreel
