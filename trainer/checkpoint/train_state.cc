#include "trainer/checkpoint/train_state.h"

#include <xxhash.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 2;

std::string Hash(const std::string& text) {
  return absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
}

Json FilesToJson(const std::map<std::string, FileFingerprint>& files) {
  Json json = Json::object();
  for (const auto& [name, file] : files) {
    json[name] = {{"bytes", file.bytes}, {"xxh3", file.xxh3}};
  }
  return json;
}

Json ToJson(const FramePreparation& preparation) {
  return {{"short_side", preparation.short_side},
          {"max_video_frames", preparation.max_video_frames},
          {"chunk_overlap", preparation.chunk_overlap},
          {"quality_threshold", preparation.quality_threshold}};
}

FramePreparation PreparationFrom(const Json& json) {
  return {.short_side = json.at("short_side"),
          .max_video_frames = json.at("max_video_frames"),
          .chunk_overlap = json.at("chunk_overlap"),
          .quality_threshold = json.at("quality_threshold")};
}

Json ToJson(const PeakBytes& peaks) {
  return {{"device", peaks.device},
          {"reserved", peaks.reserved},
          {"host", peaks.host},
          {"loader", peaks.loader}};
}

PeakBytes PeaksFrom(const Json& json) {
  return {.device = json.at("device"),
          .reserved = json.at("reserved"),
          .host = json.at("host"),
          .loader = json.at("loader")};
}

TrainState Parse(const Json& json) {
  TrainState state;
  state.step = json.at("step");
  state.samples_seen = json.at("samples_seen");
  state.oom_retries = json.at("oom_retries");
  state.finished = json.at("finished");
  state.loader_epoch = json.at("loader").at("epoch");
  state.loader_next_sample = json.at("loader").at("next_sample");
  state.micro_batch = json.at("plan").at("micro_batch");
  state.schedule = json.at("plan").at("schedule");
  state.best_metric = json.at("best").at("metric");
  state.best_value = json.at("best").at("value");
  state.best_step = json.at("best").at("step");
  state.evaluated_step = json.at("evaluated_step");
  state.classes = json.at("classes");
  state.preparation = PreparationFrom(json.at("preparation"));
  state.peaks = PeaksFrom(json.at("peak_bytes"));
  const Json& environment = json.at("environment");
  state.environment.threads = environment.at("threads");
  state.environment.instruction_set = environment.at("instruction_set");
  state.environment.torch_version = environment.at("torch_version");
  state.environment.device = environment.at("device");
  for (const auto& [name, file] : json.at("files").items()) {
    state.files[name] = {.bytes = file.at("bytes"), .xxh3 = file.at("xxh3")};
  }
  return state;
}

absl::Status Damaged(const std::string& path, const std::string& why) {
  return absl::DataLossError(absl::StrCat(path, " is damaged: ", why));
}

}  // namespace

std::string StateToJson(const TrainState& state) {
  Json json = {
      {"format", kFormat},
      {"step", state.step},
      {"samples_seen", state.samples_seen},
      {"oom_retries", state.oom_retries},
      {"finished", state.finished},
      {"loader", {{"epoch", state.loader_epoch}, {"next_sample", state.loader_next_sample}}},
      {"plan", {{"micro_batch", state.micro_batch}, {"schedule", state.schedule}}},
      {"best",
       {{"metric", state.best_metric}, {"value", state.best_value}, {"step", state.best_step}}},
      {"evaluated_step", state.evaluated_step},
      {"classes", state.classes},
      {"preparation", ToJson(state.preparation)},
      {"peak_bytes", ToJson(state.peaks)},
      {"environment",
       {{"threads", state.environment.threads},
        {"instruction_set", state.environment.instruction_set},
        {"torch_version", state.environment.torch_version},
        {"device", state.environment.device}}},
      {"files", FilesToJson(state.files)},
  };
  json["hash"] = Hash(json.dump());
  return json.dump(2) + "\n";
}

absl::StatusOr<TrainState> StateFromJson(const std::string& text, const std::string& path) {
  // nlohmann reports wrong types by exceptions alone; they end here.
  try {
    Json json = Json::parse(text);
    if (!json.is_object()) return Damaged(path, "it holds no JSON object");
    if (json.value("format", 0) != kFormat) {
      return Damaged(path,
                     absl::StrCat("format ", json.value("format", 0), ", expected ", kFormat));
    }
    const std::string stored = json.value("hash", "");
    json.erase("hash");
    if (stored != Hash(json.dump())) return Damaged(path, "its content does not match its hash");
    return Parse(json);
  } catch (const Json::exception& error) {
    return Damaged(path, error.what());
  }
}

absl::StatusOr<FileFingerprint> FingerprintFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be opened"));
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(),
                                                                             &XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  std::vector<char> buffer(1 << 20);
  FileFingerprint fingerprint;
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    XXH3_64bits_update(hash.get(), buffer.data(), got);
    fingerprint.bytes += static_cast<int64_t>(got);
  }
  if (std::ferror(file.get())) return absl::InternalError(absl::StrCat(path, ": reading failed"));
  fingerprint.xxh3 = absl::StrFormat("%016x", XXH3_64bits_digest(hash.get()));
  return fingerprint;
}

}  // namespace slimreel
