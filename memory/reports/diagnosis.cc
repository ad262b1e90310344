#include "memory/reports/diagnosis.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

using Json = nlohmann::ordered_json;

// The advised budget leaves the rest to the system, other processes and libraries.
constexpr double kAdvisedShare = 0.8;
constexpr double kLargeHolder = 0.1;  // share of the ceiling that is worth a line of advice
constexpr int64_t kMiB = int64_t{1} << 20;

std::string InMebibytes(double bytes) {
  return absl::StrCat(static_cast<int64_t>(bytes) / kMiB, "MiB");
}

std::string Share(int64_t part, int64_t whole) {
  return absl::StrFormat("%.0f%%", whole > 0 ? 100.0 * part / whole : 0.0);
}

std::string InUtc(int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

void AppendHost(const HostMemory& host, std::string& text) {
  absl::StrAppendFormat(&text, "Host memory   %s in total, %s available, %s of swap free\n",
                        FormatBytes(host.total_bytes), FormatBytes(host.available_bytes),
                        FormatBytes(host.swap_free_bytes));
  const Ceiling ceiling = LowestCeiling(host, std::nullopt);
  absl::StrAppendFormat(&text, "Ceiling       %s, set by %s; %s can still be taken\n",
                        FormatBytes(ceiling.bytes), ceiling.origin,
                        FormatBytes(host.headroom_bytes()));
  absl::StrAppend(&text, "\nLimits, lowest first\n");
  for (const MemoryLimit& limit : host.limits) {
    absl::StrAppendFormat(&text, "  %-16s %12s   in use %12s (%s)   %s\n", limit.origin,
                          FormatBytes(limit.bytes), FormatBytes(limit.used_bytes),
                          Share(limit.used_bytes, limit.bytes), limit.where);
  }
}

bool AnyUsable(const std::vector<AcceleratorMemory>& accelerators) {
  return absl::c_any_of(accelerators, [](const AcceleratorMemory& one) { return one.usable; });
}

std::string HeldBytes(const CardProcess& process) {
  return process.bytes ? FormatBytes(*process.bytes) : "unknown";
}

std::string NameOf(const CardProcess& process) {
  return process.name.empty() ? "in another container, or ended" : process.name;
}

void AppendAccelerators(const std::vector<AcceleratorMemory>& accelerators, std::string& text) {
  absl::StrAppend(&text, "\nAccelerators\n");
  if (!AnyUsable(accelerators)) {
    absl::StrAppend(&text, "  none that this LibTorch can use; training runs on the CPU\n");
  }
  for (const AcceleratorMemory& one : accelerators) {
    absl::StrAppendFormat(&text, "  %-16s %12s   free %12s   %s\n", one.device,
                          FormatBytes(one.total_bytes), FormatBytes(one.free_bytes), one.name);
    for (const CardProcess& process : one.processes) {
      absl::StrAppendFormat(&text, "    held by      %12s   %7d   %s\n", HeldBytes(process),
                            process.pid, NameOf(process));
    }
  }
}

void AppendProcesses(const std::vector<ProcessMemory>& processes, std::string& text) {
  absl::StrAppend(&text, "\nWho holds host memory now (resident)\n");
  for (const ProcessMemory& process : processes) {
    absl::StrAppendFormat(&text, "  %12s   %7d   %s\n", FormatBytes(process.resident_bytes),
                          process.pid, process.command);
  }
}

Json AcceleratorJson(const AcceleratorMemory& one) {
  Json json = {{"device", one.device},         {"name", one.name},
               {"usable", one.usable},         {"total_bytes", one.total_bytes},
               {"free_bytes", one.free_bytes}, {"processes", Json::array()}};
  for (const CardProcess& process : one.processes) {
    json["processes"].push_back({{"pid", process.pid},
                                 {"name", process.name},
                                 {"bytes", process.bytes ? Json(*process.bytes) : Json()}});
  }
  return json;
}

// Processes that hold much of a card. If one of them is unknown here, its bytes still help.
void AdviseOnCard(const AcceleratorMemory& one, int64_t own_pid, std::vector<std::string>& advice) {
  for (const CardProcess& process : one.processes) {
    if (process.pid == own_pid || !process.bytes) continue;
    if (*process.bytes < kLargeHolder * one.total_bytes) break;
    advice.push_back(absl::StrCat("Process ", process.pid, " holds ", HeldBytes(process), " of ",
                                  one.device, ": stop it if it is not needed (", NameOf(process),
                                  ")"));
  }
}

}  // namespace

std::vector<std::string> Advice(const Diagnosis& diagnosis) {
  std::vector<std::string> advice;
  const HostMemory& host = diagnosis.host;
  const Ceiling ceiling = LowestCeiling(host, std::nullopt);
  for (const AcceleratorMemory& one : diagnosis.accelerators) {
    if (!one.usable) continue;
    advice.push_back(absl::StrCat("To train on ", one.device, ": trainer.device=", one.device,
                                  " memory.budget=", InMebibytes(kAdvisedShare * one.free_bytes)));
  }
  if (!AnyUsable(diagnosis.accelerators)) {
    advice.push_back(absl::StrCat(
        "To train on the CPU: memory.budget=", InMebibytes(kAdvisedShare * host.headroom_bytes()),
        " leaves a fifth of the free memory to other processes"));
  }
  for (const AcceleratorMemory& one : diagnosis.accelerators) {
    AdviseOnCard(one, diagnosis.own_pid, advice);
  }
  for (const ProcessMemory& process : diagnosis.processes) {
    if (process.pid == diagnosis.own_pid) continue;
    if (process.resident_bytes < kLargeHolder * ceiling.bytes) break;
    advice.push_back(absl::StrCat("Process ", process.pid, " holds ",
                                  FormatBytes(process.resident_bytes),
                                  ": stop it if it is not needed (", process.command, ")"));
  }
  if (ceiling.origin != "physical memory") {
    advice.push_back(absl::StrCat("The machine has ", FormatBytes(host.total_bytes), ", but ",
                                  ceiling.origin, " allows ", FormatBytes(ceiling.bytes), " (",
                                  host.limits.front().where,
                                  "); to use more, raise it there (container, job or ulimit)"));
  }
  return advice;
}

std::string DiagnosisText(const Diagnosis& diagnosis) {
  std::string text = absl::StrCat("Read at       ", InUtc(diagnosis.unix_seconds), "\n");
  AppendHost(diagnosis.host, text);
  AppendAccelerators(diagnosis.accelerators, text);
  AppendProcesses(diagnosis.processes, text);
  absl::StrAppend(&text, "\nWhat to do\n");
  for (const std::string& line : Advice(diagnosis)) absl::StrAppend(&text, "  - ", line, "\n");
  return text;
}

std::string DiagnosisJson(const Diagnosis& diagnosis) {
  const HostMemory& host = diagnosis.host;
  const Ceiling ceiling = LowestCeiling(host, std::nullopt);
  Json json;
  json["unix_seconds"] = diagnosis.unix_seconds;
  json["host"] = {{"total_bytes", host.total_bytes},
                  {"available_bytes", host.available_bytes},
                  {"swap_free_bytes", host.swap_free_bytes},
                  {"headroom_bytes", host.headroom_bytes()}};
  json["ceiling"] = {{"bytes", ceiling.bytes}, {"origin", ceiling.origin}};
  json["limits"] = Json::array();
  for (const MemoryLimit& limit : host.limits) {
    json["limits"].push_back({{"origin", limit.origin},
                              {"bytes", limit.bytes},
                              {"used_bytes", limit.used_bytes},
                              {"where", limit.where}});
  }
  json["accelerators"] = Json::array();
  for (const AcceleratorMemory& one : diagnosis.accelerators) {
    json["accelerators"].push_back(AcceleratorJson(one));
  }
  json["processes"] = Json::array();
  for (const ProcessMemory& process : diagnosis.processes) {
    json["processes"].push_back({{"pid", process.pid},
                                 {"resident_bytes", process.resident_bytes},
                                 {"command", process.command}});
  }
  json["advice"] = Advice(diagnosis);
  // Command lines may hold bytes that are not UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace slimreel
