#include "data/pipeline/prepare_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/strings/numbers.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/status_macros.h"
#include "data/shard/sample_origin.h"

namespace slimreel {
namespace {

using nlohmann::json;

json ToJson(const FileStat& stat, uint64_t digest) {
  return {stat.size_bytes, stat.mtime_ns, stat.ctime_ns, HashText(digest)};
}

bool ReadFileState(const json& object, const char* key, FileStat* stat, uint64_t* digest) {
  const auto file = object.find(key);
  if (file == object.end() || !file->is_array() || file->size() != 4 ||
      !(*file)[0].is_number_integer() || !(*file)[1].is_number_integer() ||
      !(*file)[2].is_number_integer() || !(*file)[3].is_string()) {
    return false;
  }
  *stat = {(*file)[0].get<int64_t>(), (*file)[1].get<int64_t>(), (*file)[2].get<int64_t>()};
  return absl::SimpleHexAtoi((*file)[3].get_ref<const std::string&>(), digest);
}

// Reads the member `key` of `object`; false if it is absent or of another type.
template <typename T>
bool ReadMember(const json& object, const char* key, T* field) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  bool fits = false;
  if constexpr (std::is_same_v<T, std::string>) fits = found->is_string();
  if constexpr (std::is_same_v<T, int64_t>) fits = found->is_number_integer();
  if constexpr (std::is_same_v<T, double>) fits = found->is_number();
  if (fits) found->get_to(*field);
  return fits;
}

std::optional<LoggedVideo> ParseLine(const std::string& line) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  LoggedVideo video;
  VideoOutcome& outcome = video.outcome;
  std::string path, recipe;
  if (!ReadMember(object, "path", &path) || !ReadMember(object, "recipe", &recipe) ||
      !absl::SimpleHexAtoi(recipe, &video.recipe) ||
      !ReadFileState(object, "file", &video.stat, &video.digest) ||
      !ReadMember(object, "status", &outcome.status) ||
      !ReadMember(object, "frames", &outcome.frames) ||
      !ReadMember(object, "frames_decoded", &outcome.frames_decoded) ||
      !ReadMember(object, "chunks", &outcome.chunks)) {
    return std::nullopt;
  }
  video.path = BytesOfText(path);
  ReadFileState(object, "keypoints", &video.keypoint_stat, &video.keypoint_digest);
  ReadMember(object, "reason", &outcome.reason);
  ReadMember(object, "message", &outcome.message);
  outcome.message = BytesOfText(outcome.message);
  ReadMember(object, "left_out_frames", &outcome.left_out_frames);
  ReadMember(object, "seconds", &outcome.seconds);
  return video;
}

}  // namespace

std::string LogLine(const LoggedVideo& video) {
  const VideoOutcome& outcome = video.outcome;
  json object = {{"path", TextOfBytes(video.path)},
                 {"recipe", HashText(video.recipe)},
                 {"file", ToJson(video.stat, video.digest)},
                 {"status", outcome.status},
                 {"frames", outcome.frames},
                 {"frames_decoded", outcome.frames_decoded},
                 {"chunks", outcome.chunks},
                 {"seconds", outcome.seconds}};
  if (video.keypoint_stat.exists()) {
    object["keypoints"] = ToJson(video.keypoint_stat, video.keypoint_digest);
  }
  if (outcome.left_out_frames > 0) object["left_out_frames"] = outcome.left_out_frames;
  if (!outcome.reason.empty()) object["reason"] = outcome.reason;
  if (!outcome.message.empty()) object["message"] = TextOfBytes(outcome.message);
  return object.dump() + "\n";
}

void ReadPrepareLog(const std::string& path, const std::function<void(LoggedVideo)>& visit) {
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    if (std::optional<LoggedVideo> video = ParseLine(line)) visit(*std::move(video));
  }
}

absl::StatusOr<std::unique_ptr<PrepareLog>> PrepareLog::Open(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return SystemError(errno, "write", path);
  std::unique_ptr<PrepareLog> log(new PrepareLog(path, file));
  // A newline ends a line that a kill may have cut short.
  if (lseek(file, 0, SEEK_END) > 0) SLIMREEL_RETURN_IF_ERROR(log->Append("\n"));
  return log;
}

PrepareLog::~PrepareLog() { close(file_); }

absl::Status PrepareLog::Add(const LoggedVideo& video) { return Append(LogLine(video)); }

absl::Status PrepareLog::Append(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(file_, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(errno, "write", path_);
    done += static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

}  // namespace slimreel
