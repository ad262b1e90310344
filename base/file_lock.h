// A lock that processes share by the name of a file: one holder at a time, and
// gone with its process, however that ends.
//
// Used by preparations that write into one folder. Two objects of one process
// exclude each other as two processes do. The file stays: to remove it would let
// two holders in, each with a file of its own. Machines exclude each other where their
// shared file system carries flock between them (NFS does; not all do).
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
  // Makes the file where there is none (its folder must be there). Null: somebody
  // holds it. Errors as those of base/atomic_file.h, with the path.
  static absl::StatusOr<std::unique_ptr<FileLock>> Try(const std::string& path);
  // Waits where somebody holds it, for as long as that takes or until `stopped` (asked
  // twenty times a second) says true: CANCELLED, exit code 75. `on_wait` is called once
  // before. Either may be empty.
  static absl::StatusOr<std::unique_ptr<FileLock>> Wait(const std::string& path,
                                                        const std::function<void()>& on_wait,
                                                        const std::function<bool()>& stopped);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // What others learn from NoteOfHolder; replaces an earlier note.
  absl::Status WriteNote(absl::string_view note);
  // The note of whoever holds the lock; none where nobody does. Errors: it cannot be
  // told. Looks by taking the lock for a moment: a Try in that moment fails, so callers
  // keep the two apart.
  static absl::StatusOr<std::optional<std::string>> NoteOfHolder(const std::string& path);

 private:
  FileLock(std::string path, int fd);
  const std::string path_;
  const int fd_;
};

}  // namespace slimreel

#endif  // BASE_FILE_LOCK_H_
