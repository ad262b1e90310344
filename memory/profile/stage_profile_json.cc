#include "memory/profile/stage_profile_json.h"

#include <limits>
#include <utility>

namespace slimreel {
namespace {

using Json = nlohmann::json;

// A block is two integers {space, index}, an event three {bytes, space, index}.
constexpr size_t kBlockNumbers = 2;
constexpr size_t kEventNumbers = 3;

constexpr TracePair StageProfile::*kPairs[] = {&StageProfile::nograd, &StageProfile::keep,
                                               &StageProfile::lean, &StageProfile::backward_keep,
                                               &StageProfile::backward_lean};
constexpr std::pair<const char*, std::vector<BlockRef> OpTrace::*> kBlockLists[] = {
    {"outputs", &OpTrace::outputs},
    {"saved", &OpTrace::saved},
    {"seeded", &OpTrace::seeded},
    {"learnt", &OpTrace::learnt}};

void Append(Json& numbers, const BlockRef& block) {
  numbers.push_back(static_cast<int>(block.space));
  numbers.push_back(block.index);
}

Json ToJson(const OpTrace& trace) {
  Json events = Json::array();
  for (const TraceEvent& event : trace.events) {
    events.push_back(event.bytes);
    Append(events, event.block);
  }
  Json json = {{"events", std::move(events)}, {"ms", trace.ms}};
  for (const auto& [name, list] : kBlockLists) {
    Json blocks = Json::array();
    for (const BlockRef& block : trace.*list) Append(blocks, block);
    json[name] = std::move(blocks);
  }
  return json;
}

std::optional<BlockRef> BlockOf(int64_t space, int64_t index) {
  const bool known = space >= static_cast<int64_t>(BlockSpace::kLocal) &&
                     space <= static_cast<int64_t>(BlockSpace::kExternal);
  if (!known || index < 0 || index > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return BlockRef{static_cast<BlockSpace>(space), static_cast<int32_t>(index)};
}

bool ReadBlocks(const Json& json, std::vector<BlockRef>& blocks) {
  const auto numbers = IntegersFromJson(json);
  if (!numbers || numbers->size() % kBlockNumbers != 0) return false;
  for (size_t n = 0; n < numbers->size(); n += kBlockNumbers) {
    const auto block = BlockOf((*numbers)[n], (*numbers)[n + 1]);
    if (!block) return false;
    blocks.push_back(*block);
  }
  return true;
}

bool ReadEvents(const Json& json, std::vector<TraceEvent>& events) {
  const auto numbers = IntegersFromJson(json);
  if (!numbers || numbers->size() % kEventNumbers != 0) return false;
  for (size_t n = 0; n < numbers->size(); n += kEventNumbers) {
    const auto block = BlockOf((*numbers)[n + 1], (*numbers)[n + 2]);
    if (!block || (*numbers)[n] < 0) return false;
    events.push_back({(*numbers)[n], *block});
  }
  return true;
}

bool ReadTrace(const Json& json, OpTrace& trace) {
  const Json& ms = MemberOf(json, "ms");
  if (!ms.is_number() || !ReadEvents(MemberOf(json, "events"), trace.events)) return false;
  trace.ms = ms.get<double>();
  for (const auto& [name, list] : kBlockLists) {
    if (!ReadBlocks(MemberOf(json, name), trace.*list)) return false;
  }
  return true;
}

}  // namespace

int64_t TraceWriter::Add(const OpTrace& trace) {
  Json json = ToJson(trace);
  const auto number = static_cast<int64_t>(traces_.size());
  const auto [found, is_new] = numbers_.try_emplace(json.dump(), number);
  if (is_new) traces_.push_back(std::move(json));
  return found->second;
}

Json TraceWriter::Add(const TracePair& pair) {
  const int64_t first = Add(pair[kFirst]);
  return Json::array({first, Add(pair[kLater])});
}

Json BitsToJson(const std::vector<bool>& bits) {
  Json numbers = Json::array();
  for (bool bit : bits) numbers.push_back(bit ? 1 : 0);
  return numbers;
}

Json StageProfileToJson(const StageProfile& stage, TraceWriter& writer) {
  Json pairs = Json::array();
  for (const auto pair : kPairs) pairs.push_back(writer.Add(stage.*pair));
  return {{"has_lean", stage.has_lean},
          {"forward_flops", stage.forward_flops},
          {"parameter_bytes", stage.parameter_bytes},
          {"output_can_wait", BitsToJson(stage.output_can_wait)},
          {"pairs", std::move(pairs)}};
}

std::optional<std::vector<OpTrace>> TracesFromJson(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<OpTrace> traces(json.size());
  for (size_t n = 0; n < traces.size(); ++n) {
    if (!ReadTrace(json[n], traces[n])) return std::nullopt;
  }
  return traces;
}

std::optional<TracePair> TracePairFromJson(const Json& json, const std::vector<OpTrace>& traces) {
  const auto numbers = IntegersFromJson(json);
  TracePair pair;
  if (!numbers || numbers->size() != pair.size()) return std::nullopt;
  for (size_t n = 0; n < pair.size(); ++n) {
    const int64_t number = (*numbers)[n];
    if (number < 0 || number >= static_cast<int64_t>(traces.size())) return std::nullopt;
    pair[n] = traces[static_cast<size_t>(number)];
  }
  return pair;
}

std::optional<StageProfile> StageProfileFromJson(const Json& json,
                                                 const std::vector<OpTrace>& traces) {
  const Json& has_lean = MemberOf(json, "has_lean");
  const Json& flops = MemberOf(json, "forward_flops");
  const Json& parameter_bytes = MemberOf(json, "parameter_bytes");
  const auto can_wait = IntegersFromJson(MemberOf(json, "output_can_wait"));
  const Json& pairs = MemberOf(json, "pairs");
  if (!has_lean.is_boolean() || !can_wait || !flops.is_number_integer() ||
      !parameter_bytes.is_number_integer() || !pairs.is_array() ||
      pairs.size() != std::size(kPairs)) {
    return std::nullopt;
  }
  StageProfile stage;
  stage.has_lean = has_lean.get<bool>();
  stage.forward_flops = flops.get<int64_t>();
  stage.parameter_bytes = parameter_bytes.get<int64_t>();
  for (int64_t bit : *can_wait) stage.output_can_wait.push_back(bit != 0);
  for (size_t n = 0; n < std::size(kPairs); ++n) {
    auto pair = TracePairFromJson(pairs[n], traces);
    if (!pair) return std::nullopt;
    stage.*kPairs[n] = *std::move(pair);
  }
  return stage;
}

std::optional<std::vector<int64_t>> IntegersFromJson(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<int64_t> integers;
  for (const Json& number : json) {
    if (!number.is_number_integer()) return std::nullopt;
    integers.push_back(number.get<int64_t>());
  }
  return integers;
}

const Json& MemberOf(const Json& json, const char* name) {
  static const Json& null = *new Json();
  if (!json.is_object()) return null;
  const auto found = json.find(name);
  return found == json.end() ? null : *found;
}

}  // namespace slimreel
