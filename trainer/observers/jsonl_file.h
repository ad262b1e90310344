// A file of one JSON object per line, each with a "step", that survives kill -9
// and resumes without a step twice.
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
  // Opens for appending and cuts off everything from the first line on that is
  // incomplete or of a step after `last_step`, the step that the run resumes from.
  // Errors: Internal where the file cannot be read; as base/atomic_file.h where it cannot be
  // cut or written.
  static absl::StatusOr<JsonlFile> Open(const std::string& path, int64_t last_step);

  // `line`: one JSON object without line end. Buffered until Flush.
  absl::Status Append(const std::string& line);
  // Hands all lines to the system: they outlive the process.
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
