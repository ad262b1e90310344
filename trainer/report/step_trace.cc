#include "trainer/report/step_trace.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "slimreel step trace 1";
constexpr char kLiveBytes[] = "live bytes";
constexpr int kOperations = 1;  // the thread that shows operations
constexpr int kAllocations = 2;

// Nanoseconds are the finest that is measured.
double Rounded(double us) { return std::round(1e3 * us) / 1e3; }

Json Event(const char* phase, const std::string& name, double at_us, int thread) {
  return {{"ph", phase},
          {"pid", 1},
          {"tid", thread},
          {"ts", Rounded(at_us)},
          {"name", TextOfBytes(name)}};
}

Json ThreadName(int thread, const char* name) {
  return {{"ph", "M"},
          {"pid", 1},
          {"tid", thread},
          {"name", "thread_name"},
          {"args", {{"name", name}}}};
}

// A name of the viewers' palette.
const char* Category(const TracedOperation& operation) {
  if (operation.op == "B") return "backward";
  if (operation.op == "update") return "update";
  return operation.recompute ? "recompute" : "forward";
}

Json OperationEvent(const TracedOperation& operation) {
  Json event = Event("X", OperationName(operation), operation.begin_us, kOperations);
  event["dur"] = Rounded(operation.end_us - operation.begin_us);
  event["cat"] = Category(operation);
  event["args"] = {{"op", operation.op},
                   {"stage", TextOfBytes(operation.stage)},
                   {"micro_batch", operation.micro_batch},
                   {"attempt", operation.attempt},
                   {"recompute", operation.recompute},
                   {"out_of_memory", operation.failed},
                   {"begin_bytes", operation.begin_bytes},
                   {"end_bytes", operation.end_bytes},
                   {"peak_bytes", operation.peak_bytes}};
  return event;
}

Json PointEvent(const StepTrace& trace, size_t point) {
  Json event = Event("C", kLiveBytes, trace.point_us[point], 0);
  Json& values = event["args"] = Json::object();
  for (size_t tag = 0; tag < trace.tags.size(); ++tag) {
    values[trace.tags[tag]] = trace.point_bytes[point * trace.tags.size() + tag];
  }
  return event;
}

Json AllocationEvent(const StepTrace& trace, const TracedAllocation& allocation) {
  const bool freed = allocation.bytes < 0;
  Json event = Event("i", freed ? "free" : "allocate", allocation.at_us, kAllocations);
  event["s"] = "t";
  Json& args =
      event["args"] = {{"bytes", std::abs(allocation.bytes)}, {"tag", trace.tags[allocation.tag]}};
  if (allocation.block != 0) args["block"] = absl::StrFormat("0x%x", allocation.block);
  if (allocation.operation >= 0) {
    const TracedOperation& operation = trace.operations[allocation.operation];
    args["operation"] = OperationName(operation);
    args["stage"] = TextOfBytes(operation.stage);
  }
  return event;
}

absl::Status NoTrace(const char* why) {
  return absl::DataLossError(absl::StrCat(kStepTraceFile, ": ", why,
                                          "; the next run with --profile_step writes a new one"));
}

// The value of `key`, or a default if it is absent or of another type.
template <typename Value>
Value Get(const Json& json, const char* key, Value otherwise = {}) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  const bool fits = std::is_same_v<Value, std::string> ? found->is_string()
                    : std::is_same_v<Value, bool>      ? found->is_boolean()
                                                       : found->is_number();
  return fits ? found->get<Value>() : otherwise;
}

void AddOperation(const Json& event, StepTrace& trace) {
  const Json args = event.value("args", Json::object());
  if (!args.is_object()) return;
  const double begin = Get<double>(event, "ts");
  trace.operations.push_back({.op = Get<std::string>(args, "op"),
                              .stage = Get<std::string>(args, "stage"),
                              .micro_batch = Get<int64_t>(args, "micro_batch"),
                              .attempt = Get<int64_t>(args, "attempt"),
                              .recompute = Get<bool>(args, "recompute"),
                              .failed = Get<bool>(args, "out_of_memory"),
                              .begin_us = begin,
                              .end_us = begin + Get<double>(event, "dur"),
                              .begin_bytes = Get<int64_t>(args, "begin_bytes"),
                              .end_bytes = Get<int64_t>(args, "end_bytes"),
                              .peak_bytes = Get<int64_t>(args, "peak_bytes")});
}

void AddPoint(const Json& event, StepTrace& trace) {
  const Json args = event.value("args", Json::object());
  if (!args.is_object()) return;
  trace.point_us.push_back(Get<double>(event, "ts"));
  for (const std::string& tag : trace.tags) {
    trace.point_bytes.push_back(Get<int64_t>(args, tag.c_str()));
  }
}

}  // namespace

int64_t StepTrace::PointTotal(size_t point) const {
  const auto first = point_bytes.begin() + static_cast<std::ptrdiff_t>(point * tags.size());
  return std::accumulate(first, first + static_cast<std::ptrdiff_t>(tags.size()), int64_t{0});
}

int64_t StepTrace::PeakBytes() const {
  int64_t peak = 0;
  for (size_t n = 0; n < point_us.size(); ++n) peak = std::max(peak, PointTotal(n));
  return peak;
}

std::string OperationName(const TracedOperation& operation) {
  if (operation.stage.empty()) return operation.op;
  return absl::StrCat(operation.op, "(", operation.stage, ")");
}

std::string StepTraceToJson(const StepTrace& trace) {
  const Json about = {{"format", kFormat},
                      {"step", trace.step},
                      {"device", trace.device},
                      {"tags", trace.tags},
                      {"peak_bytes", trace.PeakBytes()},
                      {"end_us", Rounded(trace.end_us)},
                      {"left_out_operations", trace.left_out_operations},
                      {"left_out_allocations", trace.left_out_allocations}};
  std::string text = absl::StrCat("{\"displayTimeUnit\":\"ms\",\n\"otherData\":", about.dump(),
                                  ",\n\"traceEvents\":[\n");
  const auto add = [&text](const Json& event, const char* before = ",\n") {
    absl::StrAppend(&text, before, event.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  add({{"ph", "M"},
       {"pid", 1},
       {"name", "process_name"},
       {"args", {{"name", absl::StrCat("optimizer step ", trace.step)}}}},
      "");
  add(ThreadName(kOperations, "operations"));
  for (const TracedOperation& operation : trace.operations) add(OperationEvent(operation));
  for (size_t n = 0; n < trace.point_us.size(); ++n) add(PointEvent(trace, n));
  if (!trace.allocations.empty()) add(ThreadName(kAllocations, "allocations"));
  for (const TracedAllocation& allocation : trace.allocations) {
    add(AllocationEvent(trace, allocation));
  }
  return text + "\n]}\n";
}

absl::Status WriteStepTrace(const StepTrace& trace, const std::string& run_dir) {
  return WriteFileAtomically(absl::StrCat(run_dir, "/", kStepTraceFile), StepTraceToJson(trace));
}

absl::StatusOr<StepTrace> ParseStepTrace(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return NoTrace("not JSON");
  const Json about = json.value("otherData", Json::object());
  const Json events = json.value("traceEvents", Json::array());
  if (!about.is_object() || !events.is_array() || Get<std::string>(about, "format") != kFormat) {
    return NoTrace("another program's trace");
  }
  StepTrace trace;
  trace.step = Get<int64_t>(about, "step");
  trace.device = Get<std::string>(about, "device");
  trace.end_us = Get<double>(about, "end_us");
  trace.left_out_operations = Get<int64_t>(about, "left_out_operations");
  trace.left_out_allocations = Get<int64_t>(about, "left_out_allocations");
  for (const Json& tag : about.value("tags", Json::array())) {
    if (tag.is_string()) trace.tags.push_back(tag.get<std::string>());
  }
  for (const Json& event : events) {
    if (!event.is_object()) continue;
    const auto phase = Get<std::string>(event, "ph");
    if (phase == "X") AddOperation(event, trace);
    if (phase == "C") AddPoint(event, trace);
  }
  return trace;
}

absl::StatusOr<StepTrace> ReadStepTrace(const std::string& run_dir) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string text,
                            ReadFile(absl::StrCat(run_dir, "/", kStepTraceFile)));
  return ParseStepTrace(text);
}

}  // namespace slimreel
