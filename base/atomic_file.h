// Files and folders that appear under their name only when complete: written
// aside, synced (content and parent folder), renamed. What a killed process left
// aside is told from what a living one writes by a lock that dies with it.
//
// Errors of all functions name the path and the system's words: ResourceExhausted
// (disk full, quota, no memory or descriptor left), PermissionDenied (this user may not),
// Unavailable (the disk fails), NotFound (no such file or parent), InvalidArgument (a folder
// where a file should be), else Internal; and what to do about it. Threading: an object belongs to
// one thread.
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

// The whole of a small file in one call.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents);
// Reads to the end, whatever size the system tells: files of /proc and of control groups say 0.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// A file that is written in pieces.
class AtomicFile {
 public:
  // Opens `path`'s stand-in beside it; the parent folder must exist.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();  // removes the stand-in unless committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  absl::Status Write(absl::string_view bytes);
  // Syncs and renames; replaces a file of that name. Nothing may follow.
  absl::Status Commit();

 private:
  AtomicFile(std::string path, std::string aside, int fd);
  std::string path_;
  std::string aside_;
  int fd_;
};

// A folder of files that appears whole (a checkpoint).
class AtomicFolder {
 public:
  static absl::StatusOr<std::unique_ptr<AtomicFolder>> Create(const std::string& path);
  ~AtomicFolder();  // removes the stand-in unless committed
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  // Where the files are to be written, by any means, before Commit.
  const std::string& aside() const { return aside_; }
  // Syncs every file and folder in it and renames; takes the place of a folder
  // of that name, which is then removed.
  absl::Status Commit();

 private:
  AtomicFolder(std::string path, std::string aside, int fd);
  std::string path_;
  std::string aside_;
  int fd_;
};

// Removes stand-ins in `folder` (not deeper) whose writers are dead.
absl::Status RemoveLeftovers(const std::string& folder);

}  // namespace slimreel

#endif  // BASE_ATOMIC_FILE_H_
