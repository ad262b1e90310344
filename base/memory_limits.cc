#include "base/memory_limits.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

// cgroup v1 writes "no limit" as the largest multiple of a page below 2^63.
constexpr int64_t kUnlimited = int64_t{1} << 60;

// Returns "" if the file cannot be read: there is no such limit then.
std::string TextOf(const std::string& path) { return ReadFile(path).value_or(""); }

std::optional<int64_t> ReadNumber(const std::string& path) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(TextOf(path), &number)) return std::nullopt;  // for example "max"
  return number;
}

// The number after `key` in lines like "MemTotal:  123 kB" or "inactive_file 123", in bytes.
int64_t NumberAfter(const std::string& text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, key)) continue;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    int64_t number = 0;
    if (words.empty() || !absl::SimpleAtoi(words[0], &number)) continue;
    return words.size() > 1 && words[1] == "kB" ? number * 1024 : number;
  }
  return 0;
}

// One version of control groups: where it is mounted and the names of its files.
struct CgroupVersion {
  const char* origin;
  const char* mount;
  std::vector<const char*> limit_files;
  const char* usage_file;
  const char* reclaimable_key;
};

const CgroupVersion& Version1() {
  static const auto* const version = new CgroupVersion{"cgroup v1",
                                                       "sys/fs/cgroup/memory",
                                                       {"memory.limit_in_bytes"},
                                                       "memory.usage_in_bytes",
                                                       "total_inactive_file"};
  return *version;
}

const CgroupVersion& Version2() {
  static const auto* const version = new CgroupVersion{"cgroup v2",
                                                       "sys/fs/cgroup",
                                                       {"memory.max", "memory.high"},
                                                       "memory.current",
                                                       "inactive_file"};
  return *version;
}

void AppendGroup(const std::string& folder, const std::string& shown, const CgroupVersion& version,
                 std::vector<MemoryLimit>& limits) {
  for (const char* file : version.limit_files) {
    const std::optional<int64_t> bytes = ReadNumber(absl::StrCat(folder, "/", file));
    if (!bytes || *bytes >= kUnlimited) continue;
    const int64_t usage = ReadNumber(absl::StrCat(folder, "/", version.usage_file)).value_or(0);
    const int64_t reclaimable =
        NumberAfter(TextOf(absl::StrCat(folder, "/memory.stat")), version.reclaimable_key);
    limits.push_back({version.origin, absl::StrCat(shown, "/", file), *bytes,
                      std::max<int64_t>(usage - reclaimable, 0)});
  }
}

// The process's group, then every group above it. In a container the path may name groups that
// are not mounted; their folders do not exist and are skipped.
void AppendGroups(const std::string& root, std::string group, const CgroupVersion& version,
                  std::vector<MemoryLimit>& limits) {
  const std::string mount = absl::StrCat(root, "/", version.mount);
  const std::string shown = absl::StrCat("/", version.mount);
  while (!group.empty() && group != "/") {
    AppendGroup(mount + group, shown + group, version, limits);
    group.resize(group.find_last_of('/'));
  }
  AppendGroup(mount, shown, version, limits);
}

void AppendCgroups(const std::string& root, std::vector<MemoryLimit>& limits) {
  const std::string text = TextOf(root + "/proc/self/cgroup");
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    // hierarchy:controllers:path; for v2 the controllers are empty
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3 || !absl::StartsWith(parts[2], "/")) continue;
    const std::vector<absl::string_view> controllers = absl::StrSplit(parts[1], ',');
    if (parts[0] == "0" && parts[1].empty()) {
      AppendGroups(root, parts[2], Version2(), limits);
    } else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      AppendGroups(root, parts[2], Version1(), limits);
    }
  }
}

void AppendRlimits(const std::string& root, std::vector<MemoryLimit>& limits) {
  const std::string text = TextOf(root + "/proc/self/limits");
  const std::string status = TextOf(root + "/proc/self/status");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const bool address_space = absl::ConsumePrefix(&line, "Max address space");
    if (!address_space && !absl::ConsumePrefix(&line, "Max data size")) continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int64_t bytes = 0;  // the soft limit; skipped if it is "unlimited"
    if (words.empty() || !absl::SimpleAtoi(words[0], &bytes)) continue;
    limits.push_back({address_space ? "rlimit AS" : "rlimit DATA", "/proc/self/limits", bytes,
                      NumberAfter(status, address_space ? "VmSize" : "VmData")});
  }
}

Ceiling Lower(Ceiling machine, const std::optional<ByteSpec>& user, const std::string& key) {
  if (!user) return machine;
  const int64_t asked = user->Resolve(machine.bytes);
  return asked < machine.bytes ? Ceiling{asked, key} : machine;
}

}  // namespace

int64_t HostMemory::headroom_bytes() const {
  int64_t headroom = available_bytes;
  for (const MemoryLimit& limit : limits) {
    headroom = std::min(headroom, std::max<int64_t>(limit.bytes - limit.used_bytes, 0));
  }
  return headroom;
}

absl::StatusOr<HostMemory> ReadHostMemory(const std::string& root) {
  const std::string meminfo = TextOf(root + "/proc/meminfo");
  HostMemory host;
  host.total_bytes = NumberAfter(meminfo, "MemTotal");
  if (host.total_bytes <= 0) {
    return absl::UnavailableError(
        absl::StrCat(root, "/proc/meminfo has no MemTotal; check that /proc is mounted"));
  }
  host.available_bytes = NumberAfter(meminfo, "MemAvailable");
  host.swap_free_bytes = NumberAfter(meminfo, "SwapFree");
  host.limits.push_back({"physical memory", "/proc/meminfo", host.total_bytes,
                         host.total_bytes - host.available_bytes});
  AppendCgroups(root, host.limits);
  AppendRlimits(root, host.limits);
  std::stable_sort(host.limits.begin(), host.limits.end(),
                   [](const MemoryLimit& a, const MemoryLimit& b) { return a.bytes < b.bytes; });
  return host;
}

Ceiling LowestCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                      const std::string& key) {
  return Lower({host.limits.front().bytes, host.limits.front().origin}, user, key);
}

Ceiling LowestFreeCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                          const std::string& key) {
  const Ceiling ceiling = LowestCeiling(host, user, key);
  const int64_t free_bytes = host.headroom_bytes();
  return free_bytes < ceiling.bytes ? Ceiling{free_bytes, "what the host has left"} : ceiling;
}

Ceiling WorkingCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                       const std::string& key) {
  constexpr int64_t kMostBytes = int64_t{4} << 30;
  if (user.has_value()) return LowestFreeCeiling(host, user, key);
  return {std::min(host.headroom_bytes() / 4, kMostBytes), "a quarter of the host's free memory"};
}

Ceiling LowestDeviceCeiling(int64_t total_bytes, const std::string& device,
                            const std::optional<ByteSpec>& user) {
  return Lower({total_bytes, device}, user, "memory.budget");
}

}  // namespace slimreel
