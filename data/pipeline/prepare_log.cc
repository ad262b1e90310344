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
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

using nlohmann::json;

std::string Hex(uint64_t value) { return absl::StrFormat("%016x", value); }

json ToJson(const FileLook& look, uint64_t digest) {
  return {look.size_bytes, look.mtime_ns, look.ctime_ns, Hex(digest)};
}

bool TakeFile(const json& object, const char* key, FileLook* look, uint64_t* digest) {
  const auto file = object.find(key);
  if (file == object.end() || !file->is_array() || file->size() != 4 ||
      !(*file)[0].is_number_integer() || !(*file)[1].is_number_integer() ||
      !(*file)[2].is_number_integer() || !(*file)[3].is_string()) {
    return false;
  }
  *look = {(*file)[0].get<int64_t>(), (*file)[1].get<int64_t>(), (*file)[2].get<int64_t>()};
  return absl::SimpleHexAtoi((*file)[3].get_ref<const std::string&>(), digest);
}

// The member `key` of `object` where it is there and of the field's type.
template <typename T>
bool Take(const json& object, const char* key, T* field) {
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
  if (!Take(object, "path", &path) || !Take(object, "recipe", &recipe) ||
      !absl::SimpleHexAtoi(recipe, &video.recipe) ||
      !TakeFile(object, "file", &video.look, &video.digest) ||
      !Take(object, "status", &outcome.status) || !Take(object, "frames", &outcome.frames) ||
      !Take(object, "frames_decoded", &outcome.frames_decoded) ||
      !Take(object, "chunks", &outcome.chunks)) {
    return std::nullopt;
  }
  video.path = BytesOfText(path);
  TakeFile(object, "keypoints", &video.keypoint_look, &video.keypoint_digest);
  Take(object, "reason", &outcome.reason);
  Take(object, "message", &outcome.message);
  outcome.message = BytesOfText(outcome.message);
  Take(object, "left_out_frames", &outcome.left_out_frames);
  Take(object, "seconds", &outcome.seconds);
  return video;
}

}  // namespace

std::string LogLine(const LoggedVideo& video) {
  const VideoOutcome& outcome = video.outcome;
  json object = {{"path", TextOfBytes(video.path)},
                 {"recipe", Hex(video.recipe)},
                 {"file", ToJson(video.look, video.digest)},
                 {"status", outcome.status},
                 {"frames", outcome.frames},
                 {"frames_decoded", outcome.frames_decoded},
                 {"chunks", outcome.chunks},
                 {"seconds", outcome.seconds}};
  if (video.keypoint_look.there()) {
    object["keypoints"] = ToJson(video.keypoint_look, video.keypoint_digest);
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
  // Behind a line that a kill cut short.
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
