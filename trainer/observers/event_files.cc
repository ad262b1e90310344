#include "trainer/observers/event_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "trainer/observers/event_message.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Viewers read the files of a folder in the order of their names: seconds of the start, then a
// number, in case two processes start in one second.
constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr size_t kSecondsDigits = 10;
constexpr size_t kNumberDigits = 5;

constexpr size_t kHeaderBytes = 12;  // length, CRC
constexpr size_t kFooterBytes = 4;   // CRC

// CRC-32C (Castagnoli), by bytes, lowest bit first.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}();

uint32_t MaskedCrc(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff];
  crc ^= 0xffffffffu;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

template <typename Number>
std::string LittleEndian(Number number) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(number); ++i) bytes.push_back(static_cast<char>(number >> 8 * i));
  return bytes;
}

uint64_t FromLittleEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    number |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << 8 * i;
  }
  return number;
}

// The message of the record that starts at the file's position; nullopt: none, or a damaged one.
// `left`: bytes from there to the file's end.
std::optional<std::string> ReadRecord(std::ifstream& file, uint64_t left) {
  if (left < kHeaderBytes + kFooterBytes) return std::nullopt;
  std::string header(kHeaderBytes, '\0');
  if (!file.read(header.data(), kHeaderBytes)) return std::nullopt;
  const std::string_view length = std::string_view(header).substr(0, 8);
  if (FromLittleEndian(std::string_view(header).substr(8)) != MaskedCrc(length))
    return std::nullopt;
  const uint64_t bytes = FromLittleEndian(length);
  if (bytes > left - kHeaderBytes - kFooterBytes) return std::nullopt;
  std::string message(bytes, '\0');
  std::string crc(kFooterBytes, '\0');
  if (!file.read(message.data(), static_cast<std::streamsize>(bytes))) return std::nullopt;
  if (!file.read(crc.data(), kFooterBytes)) return std::nullopt;
  if (FromLittleEndian(crc) != MaskedCrc(message)) return std::nullopt;
  return message;
}

struct Kept {
  uint64_t bytes = 0;
  bool has_values = false;
};

// The leading records that are intact and have steps up to `last_step`.
Kept FindKept(std::ifstream& file, uint64_t size, int64_t last_step) {
  Kept kept;
  while (const auto message = ReadRecord(file, size - kept.bytes)) {
    const std::optional<int64_t> step = StepOfScalars(*message);
    if (!step || *step > last_step) break;
    kept.has_values |= *step >= 0;
    kept.bytes += kHeaderBytes + message->size() + kFooterBytes;
  }
  return kept;
}

absl::Status CutFile(const std::string& path, int64_t last_step) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    return absl::InternalError(absl::StrCat(
        path,
        " cannot be read, so the events of steps that will run again cannot be removed; make it "
        "readable for this user, or move it away"));
  }
  const Kept kept = FindKept(file, size, last_step);
  if (!kept.has_values) {
    fs::remove(path, error);
  } else if (kept.bytes < size) {
    fs::resize_file(path, kept.bytes, error);
  }
  return error ? SystemError(error.value(), "cut", path) : absl::OkStatus();
}

struct FileName {
  int64_t seconds = 0;
  int64_t number = 0;
};

std::optional<int64_t> ParseDigits(std::string_view digits) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
  if (error != std::errc() || end != digits.end() || number < 0) return std::nullopt;
  return number;
}

std::optional<FileName> ParseName(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  if (name.size() != kSecondsDigits + 1 + kNumberDigits || name[kSecondsDigits] != '.') {
    return std::nullopt;
  }
  const auto seconds = ParseDigits(name.substr(0, kSecondsDigits));
  const auto number = ParseDigits(name.substr(kSecondsDigits + 1));
  if (!seconds || !number) return std::nullopt;
  return FileName{.seconds = *seconds, .number = *number};
}

// Cuts all files. Returns a name after all of theirs, also if the clock went back.
absl::StatusOr<FileName> CutAll(const std::string& folder, int64_t last_step) {
  FileName next{.seconds = static_cast<int64_t>(WallTimeSeconds()), .number = 0};
  std::error_code error;
  std::vector<std::string> paths;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto name = ParseName(entry->path().filename().string());
    if (!name) continue;
    paths.push_back(entry->path().string());
    next.seconds = std::max(next.seconds, name->seconds);
    next.number = std::max(next.number, name->number + 1);
  }
  if (error) return SystemError(error.value(), "list", folder);
  for (const std::string& path : paths) SLIMREEL_RETURN_IF_ERROR(CutFile(path, last_step));
  return next;
}

}  // namespace

double WallTimeSeconds() { return absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()); }

absl::StatusOr<EventFiles> EventFiles::Open(const std::string& folder, int64_t last_step) {
  SLIMREEL_RETURN_IF_ERROR(MakeFolders(folder));
  SLIMREEL_ASSIGN_OR_RETURN(const FileName name, CutAll(folder, last_step));
  const std::string path =
      absl::StrFormat("%s/%s%010d.%05d", folder, kPrefix, name.seconds, name.number);
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return SystemError(errno, "write", path);
  EventFiles files(path, file);
  SLIMREEL_RETURN_IF_ERROR(files.Append(FileVersionEvent(WallTimeSeconds())));
  if (last_step > 0) {
    SLIMREEL_RETURN_IF_ERROR(files.Append(SessionStartEvent(WallTimeSeconds(), last_step + 1)));
  }
  return files;
}

absl::Status EventFiles::Append(std::string_view event) {
  std::string record = LittleEndian(static_cast<uint64_t>(event.size()));
  record += LittleEndian(MaskedCrc(record));
  record += event;
  record += LittleEndian(MaskedCrc(event));
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) == record.size()) {
    return absl::OkStatus();
  }
  return SystemError(errno, "write", path_);
}

absl::Status EventFiles::Flush() {
  if (std::fflush(file_.get()) == 0) return absl::OkStatus();
  return SystemError(errno, "write", path_);
}

}  // namespace slimreel
