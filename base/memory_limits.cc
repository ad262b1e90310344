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

// `own_files`: pages of files that this process has mapped.
void AppendGroup(const std::string& folder, const std::string& shown, const CgroupVersion& version,
                 int64_t own_files, std::vector<MemoryLimit>& limits) {
  for (const char* file : version.limit_files) {
    const std::optional<int64_t> bytes = ReadNumber(absl::StrCat(folder, "/", file));
    if (!bytes || *bytes >= kUnlimited) continue;
    const int64_t usage = ReadNumber(absl::StrCat(folder, "/", version.usage_file)).value_or(0);
    const int64_t inactive =
        NumberAfter(TextOf(absl::StrCat(folder, "/memory.stat")), version.reclaimable_key);
    const int64_t reclaimable = std::max<int64_t>(inactive - own_files, 0);
    limits.push_back({version.origin, absl::StrCat(shown, "/", file), *bytes,
                      std::max<int64_t>(usage - reclaimable, 0)});
  }
}

// The process's group, then every group above it. In a container the path may name groups that
// are not mounted; their folders do not exist and are skipped.
void AppendGroups(const std::string& root, std::string group, const CgroupVersion& version,
                  int64_t own_files, std::vector<MemoryLimit>& limits) {
  const std::string mount = absl::StrCat(root, "/", version.mount);
  const std::string shown = absl::StrCat("/", version.mount);
  while (!group.empty() && group != "/") {
    AppendGroup(mount + group, shown + group, version, own_files, limits);
    group.resize(group.find_last_of('/'));
  }
  AppendGroup(mount, shown, version, own_files, limits);
}

void AppendCgroups(const std::string& root, std::vector<MemoryLimit>& limits) {
  const std::string text = TextOf(root + "/proc/self/cgroup");
  const int64_t own_files = NumberAfter(TextOf(root + "/proc/self/status"), "RssFile");
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    // hierarchy:controllers:path; for v2 the controllers are empty
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3 || !absl::StartsWith(parts[2], "/")) continue;
    const std::vector<absl::string_view> controllers = absl::StrSplit(parts[1], ',');
    if (parts[0] == "0" && parts[1].empty()) {
      AppendGroups(root, parts[2], Version2(), own_files, limits);
    } else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      AppendGroups(root, parts[2], Version1(), own_files, limits);
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

// `asked` replaces `machine` if it is lower; it is a share of what `machine` states.
Ceiling Lower(const Ceiling& machine, const std::optional<ByteSpec>& user, const std::string& key) {
  if (!user) return machine;
  const int64_t asked = user->Resolve(machine.stated_bytes);
  Ceiling ceiling = asked < machine.bytes ? Ceiling{.bytes = asked, .origin = key} : machine;
  ceiling.stated_bytes = std::min(asked, machine.stated_bytes);
  return ceiling;
}

bool IsRlimit(const MemoryLimit& limit) { return absl::StartsWith(limit.origin, "rlimit"); }

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
  const MemoryLimit& lowest = host.limits.front();
  return Lower({.bytes = lowest.bytes, .origin = lowest.origin, .stated_bytes = lowest.bytes}, user,
               key);
}

Ceiling LowestFreeCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                          const std::string& key) {
  Ceiling ceiling = LowestCeiling(host, user, key);
  const int64_t free_bytes = host.headroom_bytes();
  if (free_bytes >= ceiling.bytes) return ceiling;
  ceiling.bytes = free_bytes;
  ceiling.origin = "what the host has left";
  return ceiling;
}

Ceiling WorkingCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                       const std::string& key) {
  constexpr int64_t kMostBytes = int64_t{4} << 30;
  if (user.has_value()) return LowestFreeCeiling(host, user, key);
  return {.bytes = std::min(host.headroom_bytes() / 4, kMostBytes),
          .origin = "a quarter of the host's free memory",
          .stated_bytes = host.limits.front().bytes};
}

Ceiling TensorCeiling(const HostMemory& host, const ProcessShare& share,
                      const std::optional<ByteSpec>& user) {
  Ceiling machine;
  for (const MemoryLimit& limit : host.limits) {
    Ceiling one{.origin = limit.origin};
    one.outside_bytes = std::max<int64_t>(limit.used_bytes - share.tensor_bytes, 0);
    one.coming_bytes = share.coming_bytes + (IsRlimit(limit) ? share.coming_address_bytes : 0);
    one.bytes = limit.bytes - one.outside_bytes - one.coming_bytes;
    if (machine.origin.empty() || one.bytes < machine.bytes) machine = std::move(one);
  }
  machine.stated_bytes = host.limits.front().bytes;
  return Lower(machine, user, "memory.budget");
}

Ceiling DeviceCeiling(int64_t total_bytes, int64_t free_bytes, const std::string& device,
                      const std::optional<ByteSpec>& user) {
  return Lower({.bytes = free_bytes,
                .origin = device,
                .stated_bytes = total_bytes,
                .outside_bytes = total_bytes - free_bytes},
               user, "memory.budget");
}

std::string DescribeCeiling(const Ceiling& ceiling) {
  std::string text = absl::StrCat(FormatBytes(ceiling.bytes), " (", ceiling.origin);
  const int64_t taken = ceiling.outside_bytes + ceiling.coming_bytes;
  if (taken > 0) {
    absl::StrAppend(&text, ": ", FormatBytes(ceiling.bytes + taken), ", less ",
                    FormatBytes(ceiling.outside_bytes), " in use");
    if (ceiling.coming_bytes > 0) {
      absl::StrAppend(&text, " and ", FormatBytes(ceiling.coming_bytes), " reserved");
    }
    absl::StrAppend(&text, " outside of tensors");
  }
  return absl::StrCat(text, ")");
}

std::string RaiseCeilingRemedy(const std::string& origin) {
  if (absl::StartsWith(origin, "memory.")) return absl::StrCat("a larger ", origin);
  if (absl::StartsWith(origin, "cgroup")) return "a higher limit of the control group";
  if (origin == "rlimit AS") return "a higher `ulimit -v`";
  if (origin == "rlimit DATA") return "a higher `ulimit -d`";
  return "more free memory";
}

}  // namespace slimreel
