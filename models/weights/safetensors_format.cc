#include "models/weights/safetensors_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

using nlohmann::json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's bound
constexpr uint64_t kAlignment = 64;

struct TypeFacts {
  WeightType type;
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<TypeFacts, 10> kTypes = {{{WeightType::kF64, "F64", 8},
                                               {WeightType::kF32, "F32", 4},
                                               {WeightType::kF16, "F16", 2},
                                               {WeightType::kBF16, "BF16", 2},
                                               {WeightType::kI64, "I64", 8},
                                               {WeightType::kI32, "I32", 4},
                                               {WeightType::kI16, "I16", 2},
                                               {WeightType::kI8, "I8", 1},
                                               {WeightType::kU8, "U8", 1},
                                               {WeightType::kBool, "BOOL", 1}}};

const TypeFacts& FactsOf(WeightType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(),
                       [type](const TypeFacts& facts) { return facts.type == type; });
}

absl::Status Malformed(const std::string& name, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("tensor '", name, "': ", what));
}

// The bytes of a tensor. False if they exceed 2^62 or an extent is negative.
bool TensorBytes(WeightType type, const std::vector<int64_t>& shape, uint64_t* bytes) {
  *bytes = static_cast<uint64_t>(WeightTypeBytes(type));
  for (const int64_t extent : shape) {
    if (extent < 0) return false;
    const auto factor = static_cast<uint64_t>(extent);
    if (factor != 0 && *bytes > (uint64_t{1} << 62) / factor) return false;
    *bytes *= factor;
  }
  return true;
}

// Checks a header's text and stops at the first fault. It runs before the parsed tree exists,
// which takes many times the memory of the text. It bounds levels and list elements, and it
// finds duplicate keys (nlohmann's parser silently keeps the last one).
class HeaderChecker : public nlohmann::json_sax<json> {
 public:
  const std::string& fault() const { return fault_; }

  bool null() override { return Element(); }
  bool boolean(bool /*value*/) override { return Element(); }
  bool number_integer(int64_t /*value*/) override { return Element(); }
  bool number_unsigned(uint64_t /*value*/) override { return Element(); }
  bool number_float(double /*value*/, const std::string& /*text*/) override { return Element(); }
  bool string(std::string& /*value*/) override { return Element(); }
  bool binary(json::binary_t& /*value*/) override { return Element(); }
  bool start_object(size_t /*size*/) override { return Open(); }
  bool start_array(size_t /*size*/) override { return Open(); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(std::string& name) override {
    if (!open_.back().keys.insert(name).second) {
      return Fault(absl::StrCat("the header has '", name, "' twice"));
    }
    return true;
  }
  bool parse_error(size_t place, const std::string& /*token*/,
                   const json::exception& /*error*/) override {
    return Fault(absl::StrCat("the header is not valid JSON at its byte ", place));
  }

 private:
  static constexpr size_t kMaxLevels = 3;     // header, tensor, shape
  static constexpr size_t kMaxElements = 64;  // of a list: a shape
  struct Level {
    std::set<std::string> keys;
    size_t elements = 0;  // of a list; objects count their keys
  };

  bool Fault(std::string what) {
    fault_ = std::move(what);
    return false;
  }
  bool Element() {
    if (open_.empty() || !open_.back().keys.empty()) return true;
    if (++open_.back().elements <= kMaxElements) return true;
    return Fault(absl::StrCat("the header has a list of more than ", kMaxElements, " elements"));
  }
  bool Open() {
    if (open_.size() == kMaxLevels) return Fault("the header has too many levels");
    if (!Element()) return false;
    open_.emplace_back();
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  std::vector<Level> open_;
  std::string fault_;
};

absl::StatusOr<json> ParseStrict(std::string_view text) {
  HeaderChecker checker;
  if (!json::sax_parse(text.begin(), text.end(), &checker)) {
    return absl::DataLossError(checker.fault());
  }
  json parsed = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return absl::DataLossError("the header is not a JSON object");
  return parsed;
}

bool IsUnsigned(const json& value) { return value.is_number_unsigned(); }

absl::StatusOr<WeightEntry> ParseEntry(const std::string& name, const json& object) {
  WeightEntry entry;
  entry.name = name;
  if (!object.is_object() || object.size() != 3 || !object.contains("dtype") ||
      !object.contains("shape") || !object.contains("data_offsets")) {
    return Malformed(name, "needs dtype, shape and data_offsets, and nothing else");
  }
  const json &dtype = object["dtype"], &shape = object["shape"], &span = object["data_offsets"];
  const auto facts =
      std::find_if(kTypes.begin(), kTypes.end(), [&dtype](const TypeFacts& candidate) {
        return dtype.is_string() && dtype.get_ref<const std::string&>() == candidate.name;
      });
  if (facts == kTypes.end()) return Malformed(name, "its dtype is unknown");
  entry.type = facts->type;
  if (!shape.is_array()) return Malformed(name, "its shape is not a list");
  for (const json& extent : shape) {
    if (!IsUnsigned(extent) || extent.get<uint64_t>() > INT64_MAX) {
      return Malformed(name, "its shape holds something other than sizes");
    }
    entry.shape.push_back(extent.get<int64_t>());
  }
  if (!span.is_array() || span.size() != 2 || !IsUnsigned(span[0]) || !IsUnsigned(span[1])) {
    return Malformed(name, "data_offsets are not two numbers");
  }
  const uint64_t begin = span[0].get<uint64_t>(), end = span[1].get<uint64_t>();
  if (end < begin || !TensorBytes(entry.type, entry.shape, &entry.bytes) ||
      entry.bytes != end - begin) {
    return Malformed(name, "its bytes do not match shape and dtype");
  }
  entry.offset = begin;
  return entry;
}

absl::Status ParseMetadata(const json& object, SafetensorsHeader* header) {
  if (!object.is_object()) return absl::DataLossError("__metadata__ is not a map");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      return absl::DataLossError(absl::StrCat("__metadata__ '", key, "' is not a string"));
    }
    header->metadata[key] = value.get<std::string>();
  }
  return absl::OkStatus();
}

// The entries, sorted by offset, must cover [0, data_bytes) without gap or overlap.
absl::Status CheckTiling(std::vector<WeightEntry>* entries, uint64_t data_bytes) {
  std::sort(entries->begin(), entries->end(), [](const WeightEntry& a, const WeightEntry& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  uint64_t end = 0;
  for (const WeightEntry& entry : *entries) {
    if (entry.offset < end) return Malformed(entry.name, "overlaps the tensor before it");
    if (entry.offset > end) return Malformed(entry.name, "a hole lies before it");
    if (entry.bytes > data_bytes - end) return Malformed(entry.name, "ends past the file");
    end += entry.bytes;
  }
  if (end != data_bytes) {
    return absl::DataLossError(
        absl::StrCat(data_bytes - end, " bytes after the last tensor belong to no tensor"));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t WeightTypeBytes(WeightType type) { return FactsOf(type).bytes; }
std::string_view WeightTypeName(WeightType type) { return FactsOf(type).name; }

absl::StatusOr<SafetensorsHeader> ParseSafetensors(std::string_view file) {
  if (file.size() < kLengthBytes) return absl::DataLossError("too short for a safetensors file");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > kMaxHeaderBytes || length > file.size() - kLengthBytes) {
    return absl::DataLossError(absl::StrCat("a header of ", length, " bytes in a file of ",
                                            file.size(), ": not a safetensors file, or cut off"));
  }
  const std::string_view text = file.substr(kLengthBytes, length);
  if (text.empty() || text[0] != '{') {
    return absl::DataLossError("the header does not begin with '{'");
  }
  SLIMREEL_ASSIGN_OR_RETURN(const json object, ParseStrict(text));
  SafetensorsHeader header;
  for (const auto& [name, value] : object.items()) {
    if (name == "__metadata__") {
      SLIMREEL_RETURN_IF_ERROR(ParseMetadata(value, &header));
      continue;
    }
    SLIMREEL_ASSIGN_OR_RETURN(WeightEntry entry, ParseEntry(name, value));
    header.entries.push_back(std::move(entry));
  }
  const uint64_t data_at = kLengthBytes + length;
  SLIMREEL_RETURN_IF_ERROR(CheckTiling(&header.entries, file.size() - data_at));
  for (WeightEntry& entry : header.entries) entry.offset += data_at;
  return header;
}

absl::StatusOr<std::string> LayOutSafetensors(SafetensorsHeader* header) {
  std::sort(header->entries.begin(), header->entries.end(),
            [](const WeightEntry& a, const WeightEntry& b) {
              const int64_t a_bytes = WeightTypeBytes(a.type), b_bytes = WeightTypeBytes(b.type);
              return a_bytes != b_bytes ? a_bytes > b_bytes : a.name < b.name;
            });
  json object = json::object();
  if (!header->metadata.empty()) object["__metadata__"] = header->metadata;
  uint64_t at = 0;
  for (WeightEntry& entry : header->entries) {
    if (entry.name == "__metadata__" || object.contains(entry.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor name '", entry.name, "' is reserved or used twice"));
    }
    if (!TensorBytes(entry.type, entry.shape, &entry.bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("tensor '", entry.name, "': bad shape"));
    }
    object[entry.name] = {{"dtype", WeightTypeName(entry.type)},
                          {"shape", entry.shape},
                          {"data_offsets", {at, at + entry.bytes}}};
    entry.offset = at;
    at += entry.bytes;
  }
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  const uint64_t total = (kLengthBytes + text.size() + kAlignment - 1) / kAlignment * kAlignment;
  text.append(total - kLengthBytes - text.size(), ' ');
  std::string head(kLengthBytes, '\0');
  const uint64_t length = text.size();
  std::memcpy(head.data(), &length, kLengthBytes);
  for (WeightEntry& entry : header->entries) entry.offset += total;
  return head + text;
}

}  // namespace slimreel
