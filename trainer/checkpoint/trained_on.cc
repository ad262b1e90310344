#include "trainer/checkpoint/trained_on.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr absl::string_view kMagic = "SLIMSEEN";
constexpr uint32_t kFormat = 1;

// The bytes of the file. All machines that this is built for are little-endian.
struct Header {
  char magic[8];
  uint32_t format = kFormat;
  uint32_t zero = 0;
  uint64_t count = 0;
  uint64_t hash = 0;
};
static_assert(sizeof(Header) == 32);

std::string PathIn(const std::string& run_dir) {
  return absl::StrCat(run_dir, "/", kTrainedOnFile);
}

absl::Status Damaged(const std::string& path) {
  return absl::DataLossError(absl::StrCat(
      path,
      " is damaged, so the samples that the run has learnt from are unknown; restore a "
      "copy, or remove it: then those in data.train now are taken instead"));
}

}  // namespace

SampleIds::SampleIds(std::vector<uint64_t> ids) : ids_(std::move(ids)) {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

bool SampleIds::Contains(uint64_t id) const {
  return std::binary_search(ids_.begin(), ids_.end(), id);
}

void SampleIds::Add(const SampleIds& more) {
  std::vector<uint64_t> all = ids_;
  all.insert(all.end(), more.ids_.begin(), more.ids_.end());
  *this = SampleIds(std::move(all));
}

absl::Status WriteTrainedOn(const std::string& run_dir, const SampleIds& ids) {
  const auto before = ReadTrainedOn(run_dir);
  if (before.ok() && *before == ids) return absl::OkStatus();
  const absl::string_view body(reinterpret_cast<const char*>(ids.ids().data()),
                               ids.ids().size() * sizeof(uint64_t));
  Header header;
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  header.count = ids.ids().size();
  header.hash = XXH3_64bits(body.data(), body.size());
  const absl::string_view head(reinterpret_cast<const char*>(&header), sizeof(header));
  return WriteFileAtomically(PathIn(run_dir), absl::StrCat(head, body));
}

absl::StatusOr<SampleIds> ReadTrainedOn(const std::string& run_dir) {
  const std::string path = PathIn(run_dir);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, " is missing"));
  }
  SLIMREEL_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  Header header;
  if (bytes.size() < sizeof(header)) return Damaged(path);
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (absl::string_view(header.magic, kMagic.size()) != kMagic) return Damaged(path);
  if (header.format != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat(path, " has format ", header.format,
                                                      ", this program reads up to ", kFormat,
                                                      ": use a newer SlimReel"));
  }
  const absl::string_view body = absl::string_view(bytes).substr(sizeof(header));
  if (body.size() % sizeof(uint64_t) != 0 || header.count != body.size() / sizeof(uint64_t) ||
      header.hash != XXH3_64bits(body.data(), body.size())) {
    return Damaged(path);
  }
  std::vector<uint64_t> ids(header.count);
  if (!body.empty()) std::memcpy(ids.data(), body.data(), body.size());
  return SampleIds(std::move(ids));
}

}  // namespace slimreel
