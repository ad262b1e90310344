#include "memory/profile/measured_stages.h"

#include <utility>

#include "memory/profile/stage_profile_json.h"

namespace slimreel {
namespace {

using Json = nlohmann::json;

Json ToJson(const TupleLayout& layout) {
  Json slots = Json::array();
  for (const SlotLayout& slot : layout.slots) {
    slots.push_back({{"storage", slot.storage},
                     {"dtype", c10::toString(slot.dtype)},
                     {"sizes", slot.sizes},
                     {"strides", slot.strides},
                     {"offset", slot.offset}});
  }
  return {{"slots", std::move(slots)}, {"storage_bytes", layout.storage_bytes}};
}

std::optional<at::ScalarType> DtypeOf(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  for (int n = 0; n < static_cast<int>(at::ScalarType::Undefined); ++n) {
    const auto dtype = static_cast<at::ScalarType>(n);
    if (json.get_ref<const std::string&>() == c10::toString(dtype)) return dtype;
  }
  return std::nullopt;
}

std::optional<SlotLayout> SlotFrom(const Json& json, size_t num_storages) {
  const Json& storage = MemberOf(json, "storage");
  const Json& offset = MemberOf(json, "offset");
  const auto dtype = DtypeOf(MemberOf(json, "dtype"));
  auto sizes = IntegersFromJson(MemberOf(json, "sizes"));
  auto strides = IntegersFromJson(MemberOf(json, "strides"));
  if (!dtype || !sizes || !strides || sizes->size() != strides->size() ||
      !storage.is_number_integer() || !offset.is_number_integer()) {
    return std::nullopt;
  }
  const auto number = storage.get<int64_t>();
  if (number < -1 || number >= static_cast<int64_t>(num_storages)) return std::nullopt;
  SlotLayout slot;
  slot.storage = static_cast<int>(number);
  slot.dtype = *dtype;
  slot.sizes = *std::move(sizes);
  slot.strides = *std::move(strides);
  slot.offset = offset.get<int64_t>();
  return slot;
}

std::optional<TupleLayout> LayoutFrom(const Json& json) {
  const Json& slots = MemberOf(json, "slots");
  auto storage_bytes = IntegersFromJson(MemberOf(json, "storage_bytes"));
  if (!slots.is_array() || !storage_bytes) return std::nullopt;
  TupleLayout layout;
  layout.storage_bytes = *std::move(storage_bytes);
  for (const Json& entry : slots) {
    auto slot = SlotFrom(entry, layout.storage_bytes.size());
    if (!slot) return std::nullopt;
    layout.slots.push_back(*std::move(slot));
  }
  return layout;
}

std::optional<MeasuredForward> ForwardFrom(const Json& json, const std::vector<OpTrace>& traces) {
  auto nograd = TracePairFromJson(MemberOf(json, "nograd"), traces);
  auto output = LayoutFrom(MemberOf(json, "output"));
  const auto needs = IntegersFromJson(MemberOf(json, "needs_gradient"));
  if (!nograd || !output || !needs || needs->size() != output->slots.size()) return std::nullopt;
  MeasuredForward forward{*std::move(nograd), *std::move(output), {}};
  for (int64_t bit : *needs) forward.output_needs_gradient.push_back(bit != 0);
  return forward;
}

std::optional<MeasuredPasses> PassesFrom(const Json& json, const std::vector<OpTrace>& traces) {
  auto profile = StageProfileFromJson(MemberOf(json, "profile"), traces);
  auto gradient = LayoutFrom(MemberOf(json, "input_gradient"));
  const Json& unexplained = MemberOf(json, "unexplained_bytes");
  if (!profile || !gradient || !unexplained.is_number_integer()) return std::nullopt;
  return MeasuredPasses{std::make_shared<const StageProfile>(*std::move(profile)),
                        *std::move(gradient), unexplained.get<int64_t>()};
}

}  // namespace

Json MeasuredStagesToJson(const MeasuredStages& stages) {
  TraceWriter writer;
  Json forwards = Json::object();
  for (const auto& [key, forward] : stages.forwards) {
    forwards[key] = {{"nograd", writer.Add(forward.nograd)},
                     {"output", ToJson(forward.output)},
                     {"needs_gradient", BitsToJson(forward.output_needs_gradient)}};
  }
  Json passes = Json::object();
  for (const auto& [key, pass] : stages.passes) {
    passes[key] = {{"profile", StageProfileToJson(*pass.profile, writer)},
                   {"input_gradient", ToJson(pass.input_gradient)},
                   {"unexplained_bytes", pass.unexplained_bytes}};
  }
  return {{"traces", writer.traces()},
          {"forwards", std::move(forwards)},
          {"passes", std::move(passes)}};
}

std::optional<MeasuredStages> MeasuredStagesFromJson(const Json& json) {
  const auto traces = TracesFromJson(MemberOf(json, "traces"));
  const Json& forwards = MemberOf(json, "forwards");
  const Json& passes = MemberOf(json, "passes");
  if (!traces || !forwards.is_object() || !passes.is_object()) return std::nullopt;
  MeasuredStages stages;
  for (const auto& [key, entry] : forwards.items()) {
    auto forward = ForwardFrom(entry, *traces);
    if (!forward) return std::nullopt;
    stages.forwards.emplace(key, *std::move(forward));
  }
  for (const auto& [key, entry] : passes.items()) {
    auto pass = PassesFrom(entry, *traces);
    if (!pass) return std::nullopt;
    stages.passes.emplace(key, *std::move(pass));
  }
  return stages;
}

}  // namespace slimreel
