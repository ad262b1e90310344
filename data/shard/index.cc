#include "data/shard/index.h"

#include <xxhash.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr std::string_view kMagic = "SLIMRIDX";
constexpr uint32_t kVersion = 2;
constexpr uint64_t kHeaderBytes = 128, kSampleBytes = 128, kMemberBytes = 64;
// Records of version 1 end before the origin.
constexpr uint64_t kSampleBytesOfVersion1 = 64;
constexpr uint64_t kHeaderHashAt = 120;
constexpr uint16_t kHasHash = 1;                    // of a member
constexpr uint32_t kHasOrigin = 1, kLastChunk = 2;  // of a sample

// All integers are little-endian, as on every machine that SlimReel supports.
template <typename T>
void Put(std::string* record, size_t offset, T value) {
  std::memcpy(record->data() + offset, &value, sizeof(value));
}

template <typename T>
T Get(const char* record, size_t offset) {
  T value;
  std::memcpy(&value, record + offset, sizeof(value));
  return value;
}

uint64_t Hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// True if [offset, offset + length) lies in [0, size).
bool Inside(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

void PutMark(const FileMark& mark, size_t offset, std::string* record) {
  Put<int64_t>(record, offset, mark.size_bytes);
  Put<int64_t>(record, offset + 8, mark.mtime_ns);
  Put<uint64_t>(record, offset + 16, mark.digest);
}

FileMark GetMark(const char* record, size_t offset) {
  return {Get<int64_t>(record, offset), Get<int64_t>(record, offset + 8),
          Get<uint64_t>(record, offset + 16)};
}

void PutOrigin(const SampleOrigin& origin, std::string* record) {
  if (!origin.known) return;
  Put<uint32_t>(record, 60, kHasOrigin | (origin.last_chunk ? kLastChunk : 0));
  PutMark(origin.video, 64, record);
  PutMark(origin.keypoints, 88, record);
  Put<uint64_t>(record, 112, origin.recipe);
  Put<uint32_t>(record, 120, static_cast<uint32_t>(origin.chunk));
  Put<uint32_t>(record, 124, static_cast<uint32_t>(origin.left_out_frames));
}

SampleOrigin GetOrigin(const char* record) {
  SampleOrigin origin;
  const uint32_t flags = Get<uint32_t>(record, 60);
  origin.known = (flags & kHasOrigin) != 0;
  if (!origin.known) return origin;
  origin.last_chunk = (flags & kLastChunk) != 0;
  origin.video = GetMark(record, 64);
  origin.keypoints = GetMark(record, 88);
  origin.recipe = Get<uint64_t>(record, 112);
  origin.chunk = Get<uint32_t>(record, 120);
  origin.left_out_frames = Get<uint32_t>(record, 124);
  return origin;
}

// Checks the magic, the version and the hash of the header.
absl::Status CheckHeader(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return absl::DataLossError("not a SlimReel index (the magic SLIMRIDX is missing)");
  }
  if (Get<uint32_t>(bytes.data(), 8) > kVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has index format ", Get<uint32_t>(bytes.data(), 8),
        ", but this program reads formats up to ", kVersion, "; use a newer SlimReel"));
  }
  if (Hash64(bytes.substr(0, kHeaderHashAt)) != Get<uint64_t>(bytes.data(), kHeaderHashAt)) {
    return absl::DataLossError("the hash of the index header does not match");
  }
  return absl::OkStatus();
}

}  // namespace

IndexHash HashContent(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return {hash.low64, hash.high64};
}

uint64_t IndexBuilder::AddString(std::string_view text) {
  const uint64_t offset = strings_.size();
  strings_.append(text);
  return offset;
}

void IndexBuilder::AddSample(const IndexSample& sample) {
  auto found = sources_.find(std::string(sample.source));
  if (found == sources_.end()) {
    const Source source{static_cast<uint32_t>(sources_.size()), AddString(sample.source)};
    found = sources_.emplace(std::string(sample.source), source).first;
  }
  std::string record(kSampleBytes, '\0');
  Put<uint64_t>(&record, 0, num_members_);
  Put<int64_t>(&record, 8, sample.label);
  Put<uint32_t>(&record, 16, 0);  // number of members: AddMember counts it up
  Put<uint32_t>(&record, 20, sample.num_frames);
  Put<uint32_t>(&record, 24, sample.height);
  Put<uint32_t>(&record, 28, sample.width);
  Put<uint64_t>(&record, 32, AddString(sample.key));
  Put<uint64_t>(&record, 40, found->second.offset);
  Put<uint32_t>(&record, 48, static_cast<uint32_t>(sample.key.size()));
  Put<uint32_t>(&record, 52, static_cast<uint32_t>(sample.source.size()));
  Put<uint32_t>(&record, 56, found->second.number);
  PutOrigin(sample.origin, &record);
  samples_ += record;
  ++num_samples_;
}

void IndexBuilder::AddMember(const IndexMember& member) {
  std::string record(kMemberBytes, '\0');
  Put<uint64_t>(&record, 0, member.offset);
  Put<uint64_t>(&record, 8, member.length);
  Put<uint64_t>(&record, 16, member.hash.low);
  Put<uint64_t>(&record, 24, member.hash.high);
  Put<uint64_t>(&record, 32, static_cast<uint64_t>(num_samples_ - 1));
  Put<uint16_t>(&record, 40, static_cast<uint16_t>(member.kind));
  Put<uint16_t>(&record, 42, member.has_hash ? kHasHash : uint16_t{0});
  Put<uint32_t>(&record, 44, member.ordinal);
  members_ += record;
  ++num_members_;
  const size_t count_at = samples_.size() - kSampleBytes + 16;
  Put<uint32_t>(&samples_, count_at, Get<uint32_t>(samples_.data(), count_at) + 1);
}

std::string IndexBuilder::Build(uint64_t tar_bytes) const {
  const std::string body = samples_ + members_ + strings_;
  std::string header(kHeaderBytes, '\0');
  header.replace(0, kMagic.size(), kMagic);
  Put<uint32_t>(&header, 8, kVersion);
  Put<uint32_t>(&header, 12, kHeaderBytes);
  Put<uint32_t>(&header, 16, kSampleBytes);
  Put<uint32_t>(&header, 20, kMemberBytes);
  Put<uint64_t>(&header, 24, static_cast<uint64_t>(num_samples_));
  Put<uint64_t>(&header, 32, num_members_);
  Put<uint64_t>(&header, 40, strings_.size());
  Put<uint64_t>(&header, 48, tar_bytes);
  Put<uint64_t>(&header, 56, Hash64(body));
  Put<uint64_t>(&header, kHeaderHashAt, Hash64(std::string_view(header).substr(0, kHeaderHashAt)));
  return header + body;
}

absl::StatusOr<IndexView> IndexView::Parse(std::string_view bytes, uint64_t tar_bytes) {
  SLIMREEL_RETURN_IF_ERROR(CheckHeader(bytes));
  const char* header = bytes.data();
  IndexView view;
  view.sample_bytes_ = Get<uint32_t>(header, 16);
  view.member_bytes_ = Get<uint32_t>(header, 20);
  const uint64_t header_bytes = Get<uint32_t>(header, 12), num_samples = Get<uint64_t>(header, 24),
                 strings_bytes = Get<uint64_t>(header, 40);
  view.num_members_ = Get<uint64_t>(header, 32);
  view.has_origins_ = Get<uint32_t>(header, 8) >= 2;
  // A later revision may have wider records. Only their first fields are read.
  const uint64_t least = Get<uint32_t>(header, 8) < 2 ? kSampleBytesOfVersion1 : kSampleBytes;
  if (header_bytes < kHeaderBytes || view.sample_bytes_ < least ||
      view.member_bytes_ < kMemberBytes || header_bytes > bytes.size()) {
    return absl::DataLossError("the record widths in the index header are impossible");
  }
  const std::string_view body = bytes.substr(header_bytes);
  if (num_samples > body.size() / view.sample_bytes_ ||
      view.num_members_ > body.size() / view.member_bytes_ ||
      num_samples * view.sample_bytes_ + view.num_members_ * view.member_bytes_ > body.size() ||
      body.size() - num_samples * view.sample_bytes_ - view.num_members_ * view.member_bytes_ !=
          strings_bytes) {
    return absl::DataLossError("the size of the index differs from what its header states");
  }
  if (Hash64(body) != Get<uint64_t>(header, 56)) {
    return absl::DataLossError("the hash of the index does not match its contents");
  }
  if (Get<uint64_t>(header, 48) != tar_bytes) {
    return absl::DataLossError(absl::StrCat("the index belongs to a tar of ",
                                            Get<uint64_t>(header, 48), " bytes, but the tar has ",
                                            tar_bytes, " bytes"));
  }
  view.num_samples_ = static_cast<int64_t>(num_samples);
  view.samples_ = body.substr(0, num_samples * view.sample_bytes_);
  view.members_ = body.substr(view.samples_.size(), view.num_members_ * view.member_bytes_);
  view.strings_ = body.substr(view.samples_.size() + view.members_.size());
  SLIMREEL_RETURN_IF_ERROR(view.CheckSamples());
  SLIMREEL_RETURN_IF_ERROR(view.CheckMembers(tar_bytes));
  return view;
}

absl::Status IndexView::CheckSamples() {
  uint64_t next_member = 0;
  for (int64_t i = 0; i < num_samples_; ++i) {
    const char* record = SampleRecord(i);
    const uint64_t count = Get<uint32_t>(record, 16);
    const uint32_t source = Get<uint32_t>(record, 56);
    if (Get<uint64_t>(record, 0) != next_member || count > num_members_ - next_member ||
        !Inside(Get<uint64_t>(record, 32), Get<uint32_t>(record, 48), strings_.size()) ||
        !Inside(Get<uint64_t>(record, 40), Get<uint32_t>(record, 52), strings_.size()) ||
        source > num_sources_ || Get<int64_t>(record, 8) < -1) {
      return absl::DataLossError(absl::StrCat("the index record of sample ", i, " is damaged"));
    }
    if (source == num_sources_) ++num_sources_;
    next_member += count;
  }
  if (next_member != num_members_) {
    return absl::DataLossError("the index has members that belong to no sample");
  }
  return absl::OkStatus();
}

absl::Status IndexView::CheckMembers(uint64_t tar_bytes) const {
  uint64_t end = 0;  // of the previous member; members are in the order of the tar
  for (uint64_t i = 0; i < num_members_; ++i) {
    const IndexMember entry = member(i);
    if (!Inside(entry.offset, entry.length, tar_bytes) || entry.offset % 512 != 0 ||
        entry.offset < 512 || entry.offset - 512 < end) {
      return absl::DataLossError(absl::StrCat("the index record of member ", i, " is damaged"));
    }
    end = entry.offset + entry.length;
  }
  return absl::OkStatus();
}

const char* IndexView::SampleRecord(int64_t sample) const {
  return samples_.data() + static_cast<uint64_t>(sample) * sample_bytes_;
}

const char* IndexView::MemberRecord(uint64_t member) const {
  return members_.data() + member * member_bytes_;
}

IndexSample IndexView::sample(int64_t sample) const {
  const char* record = SampleRecord(sample);
  IndexSample result;
  result.label = Get<int64_t>(record, 8);
  result.num_frames = Get<uint32_t>(record, 20);
  result.height = Get<uint32_t>(record, 24);
  result.width = Get<uint32_t>(record, 28);
  result.key = strings_.substr(Get<uint64_t>(record, 32), Get<uint32_t>(record, 48));
  result.source = strings_.substr(Get<uint64_t>(record, 40), Get<uint32_t>(record, 52));
  result.source_number = Get<uint32_t>(record, 56);
  if (has_origins_) result.origin = GetOrigin(record);
  return result;
}

IndexView::Range IndexView::members_of(int64_t sample) const {
  const char* record = SampleRecord(sample);
  return {Get<uint64_t>(record, 0), Get<uint32_t>(record, 16)};
}

IndexMember IndexView::member(uint64_t member) const {
  const char* record = MemberRecord(member);
  IndexMember result;
  result.offset = Get<uint64_t>(record, 0);
  result.length = Get<uint64_t>(record, 8);
  result.hash = {Get<uint64_t>(record, 16), Get<uint64_t>(record, 24)};
  result.kind = static_cast<MemberKind>(Get<uint16_t>(record, 40));
  result.has_hash = (Get<uint16_t>(record, 42) & kHasHash) != 0;
  result.ordinal = Get<uint32_t>(record, 44);
  return result;
}

}  // namespace slimreel
