// A file with one JSON object per line, each with a "step". It survives kill -9, and after a resume
// it holds no step twice.
//
// Threading: one thread. Ownership: owns the open file.
#ifndef TRAINER_OBSERVERS_JSONL_FILE_H_
#define TRAINER_OBSERVERS_JSONL_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

class JsonlFile {
 public:
  // Opens the file for appending. Removes the first line that is incomplete or has a step after
  // `last_step` (the step that the run resumes from), and everything after it. Errors: Internal if
  // the file cannot be read; those of base/atomic_file.h if it cannot be cut or written.
  static absl::StatusOr<JsonlFile> Open(const std::string& path, int64_t last_step);

  // `line`: one JSON object without a line end. It is buffered until Flush.
  absl::Status Append(const std::string& line);
  // Hands all lines to the system, so that they outlive the process.
  absl::Status Flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  JsonlFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_JSONL_FILE_H_
