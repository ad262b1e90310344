// The event files of a folder, as TensorBoard reads them. Each process of a run writes a file of
// its own, because a viewer that reads while the run goes on keeps its place in a file. The files
// survive kill -9, and after a resume they hold no step twice.
//
// A file is a sequence of records: length (8 bytes), masked CRC-32C of these, message, masked
// CRC-32C of the message, all little-endian. Source: TensorFlow's TFRecord format
// (tensorflow/core/lib/io/record_writer.cc).
//
// Threading: one thread. Ownership: owns the open file.
#ifndef TRAINER_OBSERVERS_EVENT_FILES_H_
#define TRAINER_OBSERVERS_EVENT_FILES_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

class EventFiles {
 public:
  // Cuts the event files in `folder` (which is made if needed) after `last_step`, the step that the
  // run resumes from: of each file the first record goes that is damaged, incomplete or of a later
  // step, with all that follow it. A file without values is removed. Then begins a new file.
  // Files with names that this class does not give are left as they are. Errors: Internal if a file
  // cannot be read; those of base/atomic_file.h if it cannot be cut or written.
  static absl::StatusOr<EventFiles> Open(const std::string& folder, int64_t last_step);

  // An event of event_message.h. It is buffered until Flush.
  absl::Status Append(std::string_view event);
  // Hands all events to the system, so that they outlive the process.
  absl::Status Flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  EventFiles(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

// The seconds since 1970.
double WallTimeSeconds();

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_EVENT_FILES_H_
