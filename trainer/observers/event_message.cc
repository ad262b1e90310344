#include "trainer/observers/event_message.h"

#include <bit>
#include <cstddef>

namespace slimreel {
namespace {

// Field numbers of Event, Summary, Summary.Value and SessionLog.
constexpr uint32_t kEventWallTime = 1;
constexpr uint32_t kEventStep = 2;
constexpr uint32_t kEventFileVersion = 3;
constexpr uint32_t kEventSummary = 5;
constexpr uint32_t kEventSessionLog = 7;
constexpr uint32_t kSummaryValue = 1;
constexpr uint32_t kValueTag = 1;
constexpr uint32_t kValueSimpleValue = 2;
constexpr uint32_t kSessionLogStatus = 1;
constexpr uint64_t kStatusStart = 1;

// What follows a field's number on the wire.
enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void AppendKey(uint32_t field, WireType type, std::string* out) {
  AppendVarint(field << 3 | type, out);
}

template <typename Bits>
void AppendLittleEndian(Bits bits, std::string* out) {
  for (size_t i = 0; i < sizeof(bits); ++i) out->push_back(static_cast<char>(bits >> 8 * i));
}

void AppendBytes(uint32_t field, std::string_view bytes, std::string* out) {
  AppendKey(field, kBytes, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes);
}

std::string EventAt(double wall_time_s) {
  std::string event;
  AppendKey(kEventWallTime, kFixed64, &event);
  AppendLittleEndian(std::bit_cast<uint64_t>(wall_time_s), &event);
  return event;
}

void AppendStep(int64_t step, std::string* out) {
  AppendKey(kEventStep, kVarint, out);
  AppendVarint(static_cast<uint64_t>(step), out);
}

// Takes a varint from the front of `in`.
std::optional<uint64_t> TakeVarint(std::string_view* in) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !in->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

// How many bytes follow the key of a field that is no varint.
std::optional<uint64_t> TakeLength(uint32_t type, std::string_view* in) {
  switch (type) {
    case kFixed64:
      return 8;
    case kFixed32:
      return 4;
    case kBytes:
      return TakeVarint(in);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string ScalarsEvent(double wall_time_s, int64_t step,
                         const std::vector<EventScalar>& scalars) {
  std::string summary;
  for (const EventScalar& scalar : scalars) {
    std::string value;
    AppendBytes(kValueTag, scalar.tag, &value);
    AppendKey(kValueSimpleValue, kFixed32, &value);
    AppendLittleEndian(std::bit_cast<uint32_t>(static_cast<float>(scalar.value)), &value);
    AppendBytes(kSummaryValue, value, &summary);
  }
  std::string event = EventAt(wall_time_s);
  AppendStep(step, &event);
  AppendBytes(kEventSummary, summary, &event);
  return event;
}

std::string FileVersionEvent(double wall_time_s) {
  std::string event = EventAt(wall_time_s);
  AppendBytes(kEventFileVersion, "brain.Event:2", &event);
  return event;
}

std::string SessionStartEvent(double wall_time_s, int64_t step) {
  std::string session;
  AppendKey(kSessionLogStatus, kVarint, &session);
  AppendVarint(kStatusStart, &session);
  std::string event = EventAt(wall_time_s);
  AppendStep(step, &event);
  AppendBytes(kEventSessionLog, session, &event);
  return event;
}

std::optional<int64_t> StepOfScalars(std::string_view event) {
  int64_t step = 0;  // a field of value 0 may be left out
  bool has_values = false;
  while (!event.empty()) {
    const auto key = TakeVarint(&event);
    if (!key) return std::nullopt;
    const auto field = static_cast<uint32_t>(*key >> 3);
    const auto type = static_cast<uint32_t>(*key & 7);
    if (type == kVarint) {
      const auto value = TakeVarint(&event);
      if (!value) return std::nullopt;
      if (field == kEventStep) step = static_cast<int64_t>(*value);
      continue;
    }
    const auto length = TakeLength(type, &event);
    if (!length || *length > event.size()) return std::nullopt;
    event.remove_prefix(*length);
    has_values |= field == kEventSummary;
  }
  return has_values ? step : -1;
}

}  // namespace slimreel
