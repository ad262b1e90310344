// Files and folders that appear under their name only when they are complete. They are written
// under a temporary name, synced (content and parent folder) and renamed. The writer holds a lock
// on the temporary file or folder. The lock ends with its process, so RemoveLeftovers can tell
// what a killed process left behind from what a running one is writing.
//
// The errors of all functions name the path, the system's message and a remedy:
//   ResourceExhausted  disk full, quota, no memory or file descriptor left
//   PermissionDenied   this user has no right to it
//   Unavailable        the disk fails
//   NotFound           no such file or parent folder
//   InvalidArgument    a folder where a file should be
//   Internal           everything else
// Threading: an object belongs to one thread.
#ifndef BASE_ATOMIC_FILE_H_
#define BASE_ATOMIC_FILE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// A Status for a failed system call: "cannot write runs/a: No space left on device; free
// some space and run again".
absl::Status SystemError(int error_number, absl::string_view action, absl::string_view path);

// mkdir -p.
absl::Status MakeFolders(const std::string& path);

// Writes a small file in one call.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents);
// Reads to the end and ignores the size that the system reports, because files of /proc and of
// control groups report 0.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// A file that is written in pieces.
class AtomicFile {
 public:
  // Opens a temporary file in the folder of `path`, which must exist.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();  // removes the temporary file unless it was committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  absl::Status Write(absl::string_view bytes);
  // Syncs and renames; replaces a file of that name. Call nothing after it.
  absl::Status Commit();

 private:
  AtomicFile(std::string path, std::string aside, int fd);
  std::string path_;
  std::string aside_;
  int fd_;
};

// A folder whose files appear all at once (a checkpoint).
class AtomicFolder {
 public:
  static absl::StatusOr<std::unique_ptr<AtomicFolder>> Create(const std::string& path);
  ~AtomicFolder();  // removes the temporary folder unless it was committed
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  // The temporary folder. Write the files there, by any means, before Commit.
  const std::string& aside() const { return aside_; }
  // Syncs every file and folder in it and renames it. A folder that already has the name is
  // replaced and removed.
  absl::Status Commit();

 private:
  AtomicFolder(std::string path, std::string aside, int fd);
  std::string path_;
  std::string aside_;
  int fd_;
};

// Removes the temporary files and folders in `folder` (not below it) whose writers are dead.
absl::Status RemoveLeftovers(const std::string& folder);

}  // namespace slimreel

#endif  // BASE_ATOMIC_FILE_H_
