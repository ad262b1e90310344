#include "data/pipeline/run_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

using nlohmann::json;

// Paths may hold any bytes; what is no UTF-8 is replaced instead of thrown about.
std::string Line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json ToJson(const InputRecord& input) {
  const VideoOutcome& outcome = input.outcome;
  return {{"keypoint_bytes", input.keypoint_bytes},
          {"keypoint_mtime_ns", input.keypoint_mtime_ns},
          {"path", input.path},
          {"key", input.key},
          {"label", input.label},
          {"size_bytes", input.size_bytes},
          {"mtime_ns", input.mtime_ns},
          {"status", outcome.status},
          {"reason", outcome.reason},
          {"message", outcome.message},
          {"frames", outcome.frames},
          {"frames_decoded", outcome.frames_decoded},
          {"chunks", outcome.chunks},
          {"seconds", outcome.seconds}};
}

// The member `key` of `object` where it is there and of the field's type.
template <typename T>
bool Take(const json& object, const char* key, T* field) {
  const auto found = object.find(key);  // the end for what is no object
  if (found == object.end()) return false;
  bool fits = false;
  if constexpr (std::is_same_v<T, std::string>) fits = found->is_string();
  if constexpr (std::is_same_v<T, int64_t>) fits = found->is_number_integer();
  if constexpr (std::is_same_v<T, double>) fits = found->is_number();
  if constexpr (std::is_same_v<T, bool>) fits = found->is_boolean();
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    fits = found->is_array() && absl::c_all_of(*found, [](const json& e) { return e.is_string(); });
  }
  if (fits) found->get_to(*field);
  return fits;
}

bool Take(const json& object, const char* key, InputRecord* input) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  VideoOutcome* outcome = &input->outcome;
  return Take(*found, "path", &input->path) && Take(*found, "key", &input->key) &&
         Take(*found, "label", &input->label) && Take(*found, "size_bytes", &input->size_bytes) &&
         Take(*found, "mtime_ns", &input->mtime_ns) &&
         Take(*found, "keypoint_bytes", &input->keypoint_bytes) &&
         Take(*found, "keypoint_mtime_ns", &input->keypoint_mtime_ns) &&
         Take(*found, "status", &outcome->status) && Take(*found, "reason", &outcome->reason) &&
         Take(*found, "message", &outcome->message) && Take(*found, "frames", &outcome->frames) &&
         Take(*found, "frames_decoded", &outcome->frames_decoded) &&
         Take(*found, "chunks", &outcome->chunks) && Take(*found, "seconds", &outcome->seconds);
}

json ToJson(const ShardRecord& shard) {
  json object = {{"file", shard.file},
                 {"bytes", shard.bytes},
                 {"frames", shard.frames},
                 {"keys", shard.keys},
                 {"closed_by_end", shard.closed_by_end}};
  if (shard.open_input) object["open_input"] = ToJson(*shard.open_input);
  return object;
}

bool Take(const json& object, const char* key, ShardRecord* shard) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if (found->contains("open_input") && !Take(*found, "open_input", &shard->open_input.emplace())) {
    return false;
  }
  return Take(*found, "file", &shard->file) && Take(*found, "bytes", &shard->bytes) &&
         Take(*found, "frames", &shard->frames) && Take(*found, "keys", &shard->keys) &&
         Take(*found, "closed_by_end", &shard->closed_by_end);
}

// False: a line that no log writes.
bool TakeLine(const json& object, RunState* state) {
  InputRecord input;
  ShardRecord shard;
  if (Take(object, "input", &input)) {
    state->finished.push_back(std::move(input));
    return true;
  }
  if (Take(object, "shard", &shard)) {
    state->shards.push_back(std::move(shard));
    return true;
  }
  return Take(object, "fingerprint", &state->fingerprint) ||
         Take(object, "complete", &state->complete);
}

}  // namespace

RunState LoadRunState(const std::string& path) {
  RunState state;
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return state;
  for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    const json object = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
    if (!TakeLine(object, &state)) break;
  }
  return state;
}

absl::StatusOr<std::unique_ptr<RunLog>> RunLog::Start(const std::string& path,
                                                      const RunState& state) {
  std::string text = Line({{"fingerprint", state.fingerprint}});
  for (const InputRecord& input : state.finished) text += Line({{"input", ToJson(input)}});
  for (const ShardRecord& shard : state.shards) text += Line({{"shard", ToJson(shard)}});
  SLIMREEL_RETURN_IF_ERROR(WriteFileAtomically(path, text));
  const int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return SystemError(errno, "write", path);
  return std::unique_ptr<RunLog>(new RunLog(path, file));
}

RunLog::~RunLog() { close(file_); }

absl::Status RunLog::Add(const InputRecord& input) {
  return Append({{"input", ToJson(input)}}, /*sync=*/false);
}

absl::Status RunLog::Add(const ShardRecord& shard) {
  return Append({{"shard", ToJson(shard)}}, /*sync=*/true);
}

absl::Status RunLog::Complete() { return Append({{"complete", true}}, /*sync=*/true); }

absl::Status RunLog::Append(const json& object, bool sync) {
  const std::string line = Line(object);
  for (size_t done = 0; done < line.size();) {
    const ssize_t written = write(file_, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(errno, "write", path_);
    done += written;
  }
  if (sync && fsync(file_) != 0) return SystemError(errno, "sync", path_);
  return absl::OkStatus();
}

}  // namespace slimreel
