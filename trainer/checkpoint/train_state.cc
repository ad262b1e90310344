#include "trainer/checkpoint/train_state.h"

#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {
namespace {

using Json = nlohmann::json;

// Format 3 added the plan's terms, the fingerprint of the best checkpoint's weights, and the
// shortest chunk.
constexpr int kFormat = 3;
constexpr int kOldestFormat = 2;

std::string Hash(const std::string& text) {
  return absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
}

// Bytes that are not UTF-8 (in a damaged file) become U+FFFD, both for the hash and in the file.
std::string Text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Class names, and paths in `changes`, are bytes. JSON is Unicode.
Json TextsOf(const std::vector<std::string>& lines) {
  Json json = Json::array();
  for (const std::string& line : lines) json.push_back(TextOfBytes(line));
  return json;
}

std::vector<std::string> LinesOf(const Json& json) {
  std::vector<std::string> lines;
  for (const Json& text : json) lines.push_back(BytesOfText(text.get_ref<const std::string&>()));
  return lines;
}

Json ToJson(const FileFingerprint& file) { return {{"bytes", file.bytes}, {"xxh3", file.xxh3}}; }

FileFingerprint FileFrom(const Json& json) {
  return {.bytes = json.at("bytes"), .xxh3 = json.at("xxh3")};
}

Json FilesToJson(const std::map<std::string, FileFingerprint>& files) {
  Json json = Json::object();
  for (const auto& [name, file] : files) json[name] = ToJson(file);
  return json;
}

Json ToJson(const PlanTerms& terms) {
  return {{"ceiling_bytes", terms.ceiling_bytes},
          {"num_stages", terms.num_stages},
          {"keys", Json(terms.keys)}};
}

PlanTerms TermsFrom(const Json& json) {
  return {.ceiling_bytes = json.at("ceiling_bytes"),
          .num_stages = json.at("num_stages"),
          .keys = json.at("keys").get<std::map<std::string, std::string>>()};
}

Json ToJson(const WiderPlan& wider) {
  return {{"micro_batch", wider.micro_batch},
          {"schedule", wider.schedule},
          {"release", wider.release},
          {"peak_bytes", wider.peak_bytes},
          {"calm_checkpoints", wider.waiting.calm_checkpoints},
          {"on_trial", wider.waiting.on_trial},
          {"failures", wider.waiting.failures},
          {"seen_retries", wider.seen_retries}};
}

WiderPlan WiderFrom(const Json& json) {
  return {.micro_batch = json.at("micro_batch"),
          .schedule = json.at("schedule"),
          .release = json.at("release"),
          .peak_bytes = json.at("peak_bytes"),
          .waiting = {.calm_checkpoints = json.at("calm_checkpoints"),
                      .on_trial = json.at("on_trial"),
                      .failures = json.at("failures")},
          .seen_retries = json.at("seen_retries")};
}

Json ToJson(const FramePreparation& preparation) {
  return {{"short_side", preparation.short_side},
          {"max_video_frames", preparation.max_video_frames},
          {"chunk_overlap", preparation.chunk_overlap},
          {"min_chunk_frames", preparation.min_chunk_frames},
          {"quality_threshold", preparation.quality_threshold}};
}

FramePreparation PreparationFrom(const Json& json) {
  return {.short_side = json.at("short_side"),
          .max_video_frames = json.at("max_video_frames"),
          .chunk_overlap = json.at("chunk_overlap"),
          .min_chunk_frames = json.at("min_chunk_frames"),
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
          .loader = json.at("loader"),
          .by_phase = {}};
}

// {"train": {"bytes": sum, "parameters": ..., ...}, ...}
Json ToJson(const PeakByPhase& peaks) {
  Json json;
  for (const MemoryPhase phase : kMemoryPhases) {
    const MemoryPeak& peak = At(peaks, phase);
    Json& entry = json[MemoryPhaseName(phase)];
    entry["bytes"] = peak.bytes;
    for (const MemoryTag tag : kMemoryTagsInOrder) entry[MemoryTagName(tag)] = At(peak.by_tag, tag);
  }
  return json;
}

PeakByPhase PhasesFrom(const Json& json) {
  PeakByPhase peaks{};
  for (const MemoryPhase phase : kMemoryPhases) {
    const Json& entry = json.at(MemoryPhaseName(phase));
    MemoryPeak& peak = At(peaks, phase);
    peak.bytes = entry.at("bytes");
    for (const MemoryTag tag : kMemoryTagsInOrder)
      At(peak.by_tag, tag) = entry.at(MemoryTagName(tag));
  }
  return peaks;
}

Json ToJson(const std::vector<Concession>& concessions) {
  Json json = Json::array();
  for (const Concession& made : concessions) {
    json.push_back({{"key", made.key}, {"from", made.from}, {"to", made.to}});
  }
  return json;
}

Json ToJson(const TrainState& state) {
  return {
      {"format", kFormat},
      {"step", state.step},
      {"samples_seen", state.samples_seen},
      {"oom_retries", state.oom_retries},
      {"relaxations", state.relaxations},
      {"finished", state.finished},
      {"loader", {{"epoch", state.loader_epoch}, {"next_sample", state.loader_next_sample}}},
      {"plan",
       {{"micro_batch", state.micro_batch},
        {"schedule", state.schedule},
        {"release", state.release},
        {"page_optimizer", state.page_optimizer},
        {"offload_inputs", state.offload_inputs},
        {"made_under", ToJson(state.plan_terms)},
        {"wider", ToJson(state.wider)}}},
      {"concessions", ToJson(state.concessions)},
      {"best",
       {{"metric", state.best_metric},
        {"value", state.best_value},
        {"step", state.best_step},
        {"model", ToJson(state.best_model)}}},
      {"evaluated_step", state.evaluated_step},
      {"classes", TextsOf(state.classes)},
      {"preparation", ToJson(state.preparation)},
      {"changes", TextsOf(state.changes)},
      {"peak_bytes", ToJson(state.peaks)},
      {"peak_by_phase", ToJson(state.peaks.by_phase)},
      {"environment",
       {{"threads", state.environment.threads},
        {"instruction_set", state.environment.instruction_set},
        {"torch_version", state.environment.torch_version},
        {"device", state.environment.device}}},
      {"files", FilesToJson(state.files)},
  };
}

// Whether `json` has every field of `form`, with a value of the same type. The first element of an
// array in `form` gives the form of all elements.
bool HasForm(const Json& json, const Json& form) {
  if (form.is_object()) {
    return json.is_object() && absl::c_all_of(form.items(), [&](const auto& field) {
             const auto found = json.find(field.key());
             return found != json.end() && HasForm(*found, field.value());
           });
  }
  if (form.is_array()) {
    return json.is_array() &&
           absl::c_all_of(json, [&](const Json& element) { return HasForm(element, form.at(0)); });
  }
  if (form.is_number_integer()) return json.is_number_integer();
  if (form.is_number()) return json.is_number();
  return json.type() == form.type();
}

// nlohmann throws when it reads a value of another type. Parse throws nothing for a document that
// passes this check.
bool IsState(const Json& json) {
  TrainState form;
  form.classes = form.changes = {""};
  form.concessions = {Concession()};
  const Json file = ToJson(FileFingerprint());
  return HasForm(json, ToJson(form)) &&
         absl::c_all_of(json.at("files"),
                        [&](const Json& entry) { return HasForm(entry, file); }) &&
         absl::c_all_of(json.at("plan").at("made_under").at("keys"),
                        [](const Json& value) { return value.is_string(); });
}

// Adds the fields that an earlier version did not write, as unknown or empty.
void FillIn(int format, Json& json) {
  for (const char* list : {"changes", "concessions"}) {
    if (!json.contains(list)) json[list] = Json::array();
  }
  const auto plan = json.find("plan");
  for (const char* means : {"release", "page_optimizer", "offload_inputs"}) {
    if (plan != json.end() && plan->is_object() && !plan->contains(means)) (*plan)[means] = false;
  }
  if (!json.contains("peak_by_phase")) json["peak_by_phase"] = ToJson(PeakByPhase());
  if (!json.contains("relaxations")) json["relaxations"] = 0;
  if (plan != json.end() && plan->is_object() && !plan->contains("wider")) {
    (*plan)["wider"] = ToJson(WiderPlan());
  }
  if (format > 2) return;
  for (const auto& [part, field, value] :
       {std::tuple("plan", "made_under", ToJson(PlanTerms())),
        std::tuple("preparation", "min_chunk_frames", Json(1)),
        std::tuple("best", "model", ToJson(FileFingerprint()))}) {
    const auto found = json.find(part);
    if (found != json.end() && found->is_object()) (*found)[field] = value;
  }
}

TrainState Parse(const Json& json) {
  TrainState state;
  state.step = json.at("step");
  state.samples_seen = json.at("samples_seen");
  state.oom_retries = json.at("oom_retries");
  state.relaxations = json.at("relaxations");
  state.finished = json.at("finished");
  state.loader_epoch = json.at("loader").at("epoch");
  state.loader_next_sample = json.at("loader").at("next_sample");
  state.micro_batch = json.at("plan").at("micro_batch");
  state.schedule = json.at("plan").at("schedule");
  state.release = json.at("plan").at("release");
  state.page_optimizer = json.at("plan").at("page_optimizer");
  state.offload_inputs = json.at("plan").at("offload_inputs");
  state.plan_terms = TermsFrom(json.at("plan").at("made_under"));
  for (const Json& made : json.at("concessions")) {
    state.concessions.push_back({made.at("key"), made.at("from"), made.at("to")});
  }
  state.wider = WiderFrom(json.at("plan").at("wider"));
  state.best_metric = json.at("best").at("metric");
  state.best_value = json.at("best").at("value");
  state.best_step = json.at("best").at("step");
  state.best_model = FileFrom(json.at("best").at("model"));
  state.evaluated_step = json.at("evaluated_step");
  state.classes = LinesOf(json.at("classes"));
  state.preparation = PreparationFrom(json.at("preparation"));
  state.changes = LinesOf(json.at("changes"));
  state.peaks = PeaksFrom(json.at("peak_bytes"));
  state.peaks.by_phase = PhasesFrom(json.at("peak_by_phase"));
  const Json& environment = json.at("environment");
  state.environment.threads = environment.at("threads");
  state.environment.instruction_set = environment.at("instruction_set");
  state.environment.torch_version = environment.at("torch_version");
  state.environment.device = environment.at("device");
  for (const auto& [name, file] : json.at("files").items()) {
    state.files[name] = FileFrom(file);
  }
  return state;
}

absl::Status Damaged(const std::string& path, const std::string& why) {
  return absl::DataLossError(absl::StrCat(path, " is damaged: ", why));
}

// For intact states only: in a damaged one the number may be wrong.
absl::Status OtherFormat(const std::string& path, const Json& format) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, " is of format ", format.dump(), "; this version reads the formats ", kOldestFormat,
      " to ", kFormat,
      ". Go on with the version that wrote it, or start another --run with model.weights"));
}

}  // namespace

std::string StateToJson(const TrainState& state) {
  Json json = ToJson(state);
  json["hash"] = Hash(Text(json, -1));
  return Text(json, 2) + "\n";
}

absl::StatusOr<TrainState> StateFromJson(const std::string& text, const std::string& path) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Damaged(path, "it holds no JSON object");
  const Json stored = json.contains("hash") ? json.at("hash") : Json();
  json.erase("hash");
  if (stored != Hash(Text(json, -1))) return Damaged(path, "its content does not match its hash");
  const Json format = json.contains("format") ? json.at("format") : Json();
  if (!format.is_number_integer()) return Damaged(path, "it names no format");
  if (format < kOldestFormat || format > kFormat) return OtherFormat(path, format);
  FillIn(format.get<int>(), json);
  if (!IsState(json)) return Damaged(path, "a field is missing or has another type");
  return Parse(json);
}

absl::StatusOr<FileFingerprint> FingerprintFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) return SystemError(errno, "open", path);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(),
                                                                             &XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  std::vector<char> buffer(1 << 20);
  FileFingerprint fingerprint;
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    XXH3_64bits_update(hash.get(), buffer.data(), got);
    fingerprint.bytes += static_cast<int64_t>(got);
  }
  if (std::ferror(file.get())) return SystemError(errno, "read", path);
  fingerprint.xxh3 = absl::StrFormat("%016x", XXH3_64bits_digest(hash.get()));
  return fingerprint;
}

}  // namespace slimreel
