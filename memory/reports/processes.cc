#include "memory/reports/processes.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/atomic_file.h"

namespace slimreel {
namespace {

constexpr size_t kMaxCommandLength = 100;

std::string ReadCommand(const std::filesystem::path& folder) {
  // A process that ends during the reading has no command line.
  std::string command = ReadFile((folder / "cmdline").string()).value_or("");
  while (!command.empty() && command.back() == '\0') command.pop_back();
  // Zero bytes separate the arguments, and an argument may hold any byte.
  for (char& c : command) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  if (command.size() > kMaxCommandLength) command.resize(kMaxCommandLength);
  return command;
}

std::optional<ProcessMemory> ReadProcess(const std::filesystem::path& folder) {
  ProcessMemory process;
  process.pid = std::strtoll(folder.filename().c_str(), nullptr, 10);
  if (process.pid <= 0) return std::nullopt;
  std::ifstream status(folder / "status");
  std::string line, name;
  while (std::getline(status, line)) {
    if (line.rfind("Name:\t", 0) == 0) name = line.substr(6);
    if (line.rfind("VmRSS:", 0) == 0) {
      process.resident_bytes = std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
    }
  }
  if (process.resident_bytes == 0) return std::nullopt;  // a kernel thread, or gone
  process.command = ReadCommand(folder);
  if (process.command.empty()) process.command = name;
  return process;
}

}  // namespace

std::string CommandOf(int64_t pid, const std::string& root) {
  const std::filesystem::path folder = root + "/proc/" + std::to_string(pid);
  const std::string command = ReadCommand(folder);
  if (!command.empty()) return command;
  std::string name = ReadFile((folder / "comm").string()).value_or("");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

std::vector<ProcessMemory> LargestProcesses(size_t most, const std::string& root) {
  std::vector<ProcessMemory> all;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root + "/proc", error), end;
       !error && entry != end; entry.increment(error)) {
    if (auto process = ReadProcess(entry->path())) all.push_back(std::move(*process));
  }
  std::sort(all.begin(), all.end(), [](const ProcessMemory& a, const ProcessMemory& b) {
    return a.resident_bytes != b.resident_bytes ? a.resident_bytes > b.resident_bytes
                                                : a.pid < b.pid;
  });
  if (all.size() > most) all.resize(most);
  return all;
}

}  // namespace slimreel
