// A lock between processes, named by a file. It has one holder at a time and ends with the
// holder's process, however that process ends.
//
// Two objects in one process exclude each other as two processes do. The lock file is never
// removed: if it were, two holders could each lock a file of that name. Machines exclude each
// other only if their shared file system passes flock between them (NFS does, some do not).
// Threading: an object belongs to one thread.
#ifndef BASE_FILE_LOCK_H_
#define BASE_FILE_LOCK_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

class FileLock {
 public:
  // Makes the file if there is none; its folder must exist. Returns null if another holder has
  // the lock. Errors: those of base/atomic_file.h.
  static absl::StatusOr<std::unique_ptr<FileLock>> Try(const std::string& path);
  // Waits until the lock is free, or until `stopped` returns true (asked 20 times a second), which
  // gives Cancelled with exit code 75. Calls `on_wait` once before it waits. Both functions may be
  // empty.
  static absl::StatusOr<std::unique_ptr<FileLock>> Wait(const std::string& path,
                                                        const std::function<void()>& on_wait,
                                                        const std::function<bool()>& stopped);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // Sets the note that NoteOfHolder returns to others; replaces an earlier note.
  absl::Status WriteNote(absl::string_view note);
  // The note of the holder, or nullopt if nobody holds the lock. Error: the lock file cannot be
  // opened or read. This takes the lock for a moment, and a Try in that moment fails, so callers
  // must not run the two at once.
  static absl::StatusOr<std::optional<std::string>> NoteOfHolder(const std::string& path);

 private:
  FileLock(std::string path, int fd);
  const std::string path_;
  const int fd_;
};

}  // namespace slimreel

#endif  // BASE_FILE_LOCK_H_
