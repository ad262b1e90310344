#include "trainer/checkpoint/entries.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "step_";
constexpr char kSupersededPrefix[] = "superseded_step_";

// Lists folders called PREFIX and a number. A point and a second number may follow.
std::vector<CheckpointEntry> ListNamed(const std::string& folder, const std::string& prefix) {
  std::vector<CheckpointEntry> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!absl::StartsWith(name, prefix)) continue;
    const std::string number = name.substr(prefix.size(), name.find('.') - prefix.size());
    int64_t step = 0;
    if (absl::SimpleAtoi(number, &step)) entries.push_back({step, entry.path().string()});
  }
  return entries;
}

// Turns the error of a file that is missing, or no file, into DataLoss: that is the checkpoint's
// fault. Other errors are the machine's and stay.
absl::Status DamageIfMissing(const absl::Status& status) {
  if (!absl::IsNotFound(status) && !absl::IsInvalidArgument(status)) return status;
  return absl::DataLossError(status.message());
}

}  // namespace

std::string CheckpointName(int64_t step) { return absl::StrFormat("%s%08d", kPrefix, step); }

std::vector<CheckpointEntry> ListCheckpoints(const std::string& folder) {
  std::vector<CheckpointEntry> entries = ListNamed(folder, kPrefix);
  std::erase_if(entries, [](const CheckpointEntry& entry) {
    return fs::path(entry.path).filename().string().find('.') != std::string::npos;
  });
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.step > b.step; });
  return entries;
}

std::vector<CheckpointEntry> ListSuperseded(const std::string& folder) {
  std::vector<CheckpointEntry> entries = ListNamed(folder, kSupersededPrefix);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return entries;
}

absl::Status CheckListable(const std::string& folder) {
  std::error_code error;
  const fs::directory_iterator entries(folder, error);
  if (!error || error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  return SystemError(error.value(), "list", folder);
}

bool IsFaultOfCheckpoint(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsFailedPrecondition(status);
}

std::string FreeSupersededName(const std::string& folder, int64_t step) {
  const std::string name = absl::StrFormat("%s%08d", kSupersededPrefix, step);
  int64_t highest = 0;
  for (const CheckpointEntry& entry : ListSuperseded(folder)) {
    const std::string taken = fs::path(entry.path).filename().string();
    int64_t number = 0;
    if (taken == name) highest = std::max<int64_t>(highest, 1);
    if (!absl::StartsWith(taken, absl::StrCat(name, "."))) continue;
    if (absl::SimpleAtoi(taken.substr(name.size() + 1), &number)) {
      highest = std::max(highest, number);
    }
  }
  return highest == 0 ? name : absl::StrCat(name, ".", highest + 1);
}

absl::StatusOr<TrainState> ReadState(const std::string& path) {
  const std::string state_path = absl::StrCat(path, "/", kStateFile);
  const absl::StatusOr<std::string> text = ReadFile(state_path);
  if (!text.ok()) return DamageIfMissing(text.status());
  return StateFromJson(*text, state_path);
}

absl::StatusOr<TrainState> VerifyCheckpoint(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(TrainState state, ReadState(path));
  for (const auto& [name, expected] : state.files) {
    const std::string file_path = absl::StrCat(path, "/", name);
    const auto actual = FingerprintFile(file_path);
    if (!actual.ok()) return DamageIfMissing(actual.status());
    if (*actual == expected) continue;
    return absl::DataLossError(
        actual->bytes != expected.bytes
            ? absl::StrCat(file_path, " has ", actual->bytes, " bytes, but ", expected.bytes,
                           " were saved")
            : absl::StrCat(file_path, " does not match the hash that was saved"));
  }
  return state;
}

absl::StatusOr<FoundCheckpoint> ReadVerified(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(TrainState state, VerifyCheckpoint(path));
  return FoundCheckpoint{.path = path, .state = std::move(state), .skipped = {}};
}

}  // namespace slimreel
