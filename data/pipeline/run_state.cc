#include "data/pipeline/run_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

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
  return {{"path", input.path},         {"key", input.key},
          {"label", input.label},       {"size_bytes", input.size_bytes},
          {"mtime_ns", input.mtime_ns}, {"status", outcome.status},
          {"reason", outcome.reason},   {"message", outcome.message},
          {"frames", outcome.frames},   {"frames_decoded", outcome.frames_decoded},
          {"chunks", outcome.chunks},   {"seconds", outcome.seconds}};
}

InputRecord InputFrom(const json& object) {
  InputRecord input;
  object.at("path").get_to(input.path);
  object.at("key").get_to(input.key);
  object.at("label").get_to(input.label);
  object.at("size_bytes").get_to(input.size_bytes);
  object.at("mtime_ns").get_to(input.mtime_ns);
  object.at("status").get_to(input.outcome.status);
  object.at("reason").get_to(input.outcome.reason);
  object.at("message").get_to(input.outcome.message);
  object.at("frames").get_to(input.outcome.frames);
  object.at("frames_decoded").get_to(input.outcome.frames_decoded);
  object.at("chunks").get_to(input.outcome.chunks);
  object.at("seconds").get_to(input.outcome.seconds);
  return input;
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

ShardRecord ShardFrom(const json& object) {
  ShardRecord shard;
  object.at("file").get_to(shard.file);
  object.at("bytes").get_to(shard.bytes);
  object.at("frames").get_to(shard.frames);
  object.at("keys").get_to(shard.keys);
  object.at("closed_by_end").get_to(shard.closed_by_end);
  if (object.contains("open_input")) shard.open_input = InputFrom(object["open_input"]);
  return shard;
}

void TakeLine(const json& object, RunState* state) {
  if (object.contains("fingerprint")) object["fingerprint"].get_to(state->fingerprint);
  if (object.contains("input")) state->finished.push_back(InputFrom(object["input"]));
  if (object.contains("shard")) state->shards.push_back(ShardFrom(object["shard"]));
  if (object.contains("complete")) object["complete"].get_to(state->complete);
}

}  // namespace

RunState LoadRunState(const std::string& path) {
  RunState state;
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return state;
  for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    const json object = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) break;
    // nlohmann-json reports wrong types by exceptions alone.
    try {
      TakeLine(object, &state);
    } catch (const json::exception&) {
      break;
    }
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
