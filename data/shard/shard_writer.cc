#include "data/shard/shard_writer.h"

#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/status_macros.h"
#include "data/shard/index.h"
#include "data/shard/npy.h"
#include "data/shard/shard_types.h"
#include "data/shard/tar.h"

namespace slimreel {
namespace {

absl::Status BadSample(const Sample& sample, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("sample '", sample.key, "': ", what));
}

// A key is a relative path without dots. WebDataset takes the text before the first dot as the key,
// and a path without ".." cannot be unpacked outside of its folder.
bool IsSafeKey(std::string_view key) {
  if (key.empty() || key.front() == '/' || key.back() == '/') return false;
  return std::none_of(key.begin(), key.end(), [](char c) {
    return c == '.' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool IsSafeSuffix(std::string_view suffix) {
  return !suffix.empty() && suffix.front() != '.' &&
         std::all_of(suffix.begin(), suffix.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

absl::Status CheckSample(const Sample& sample, int64_t num_frames) {
  if (!IsSafeKey(sample.key)) {
    return BadSample(sample, "its key is not a relative path without dots and control characters");
  }
  if (sample.label < -1)
    return BadSample(sample, "its label is less than -1; labels start at 0, and -1 means none");
  if (sample.height < 0 || sample.width < 0 || num_frames < 0 || sample.height > UINT32_MAX ||
      sample.width > UINT32_MAX || num_frames > UINT32_MAX) {
    return BadSample(sample, "the size or number of its frames is impossible");
  }
  for (const FrameRun& run : sample.frames) {
    if (run.num_frames < 0 || (run.num_frames > 0 && run.data == nullptr) || sample.height == 0 ||
        sample.width == 0) {
      return BadSample(sample, "its frames have no data or no size");
    }
  }
  absl::flat_hash_set<std::string> suffixes = {"json", "frames.npy"};
  for (const MemberData& member : sample.members) {
    if (!IsSafeSuffix(member.suffix) || !suffixes.insert(member.suffix).second) {
      return BadSample(sample, absl::StrCat("member suffix '", member.suffix,
                                            "' is used twice, is reserved, or has characters other "
                                            "than letters, digits, dots, '_' and '-'"));
    }
  }
  if (!sample.metadata.is_object()) return BadSample(sample, "its metadata is not a JSON object");
  return absl::OkStatus();
}

std::string JsonOf(const Sample& sample, int64_t num_frames) {
  nlohmann::json json = sample.metadata;
  json["source"] = TextOfBytes(sample.source);
  json["num_frames"] = num_frames;
  json["height"] = sample.height;
  json["width"] = sample.width;
  if (sample.label >= 0) {
    json["label"] = sample.label;
  } else {
    json.erase("label");
  }
  if (sample.origin.known) {
    json["origin"] = ToJson(sample.origin);
    json["chunk"] = sample.origin.chunk;
    json["last_chunk"] = sample.origin.last_chunk;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A member to write: its content is the blocks in this order.
struct PendingMember {
  std::string suffix;
  std::vector<std::string_view> blocks;
  uint64_t size() const {
    uint64_t bytes = 0;
    for (const std::string_view block : blocks) bytes += block.size();
    return bytes;
  }
};

IndexHash HashBlocks(const std::vector<std::string_view>& blocks) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_128bits_reset(state);
  for (const std::string_view block : blocks) {
    XXH3_128bits_update(state, block.data(), block.size());
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state);
  XXH3_freeState(state);
  return {hash.low64, hash.high64};
}

class TarShardWriter : public ShardWriter {
 public:
  explicit TarShardWriter(ShardWriterOptions options)
      : options_(std::move(options)), next_shard_(options_.first_shard) {}

  absl::Status Add(const Sample& sample) override;
  absl::Status Flush() override;
  const std::vector<PublishedShard>& published() const override { return published_; }

 private:
  absl::Status Open();
  absl::Status AddOpened(const Sample& sample, const std::vector<PendingMember>& members,
                         int64_t num_frames);
  absl::Status WriteMember(const std::string& name, const PendingMember& member);
  absl::Status Write(std::string_view bytes);
  // Remembers an error, after which nothing more is written.
  absl::Status RememberError(absl::Status status) {
    if (!status.ok()) broken_ = status;
    return status;
  }

  const ShardWriterOptions options_;
  int64_t next_shard_;
  std::string path_;
  std::unique_ptr<AtomicFile> tar_;
  uint64_t tar_bytes_ = 0;
  int64_t num_frames_ = 0;
  IndexBuilder index_;
  absl::flat_hash_set<std::string> keys_;  // of all shards of this writer
  std::vector<PublishedShard> published_;
  absl::Status broken_;
};

absl::Status TarShardWriter::Write(std::string_view bytes) {
  SLIMREEL_RETURN_IF_ERROR(tar_->Write(absl::string_view(bytes.data(), bytes.size())));
  tar_bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status TarShardWriter::WriteMember(const std::string& name, const PendingMember& member) {
  static const std::string kPadding(kTarBlock, '\0');
  const uint64_t size = member.size();
  SLIMREEL_RETURN_IF_ERROR(Write(TarHeader(name, size)));
  const MemberName parsed = ParseMemberSuffix(member.suffix);
  index_.AddMember(
      {parsed.kind, parsed.ordinal, tar_bytes_, size, true, HashBlocks(member.blocks)});
  for (const std::string_view block : member.blocks) SLIMREEL_RETURN_IF_ERROR(Write(block));
  return Write(std::string_view(kPadding).substr(0, TarPadded(size) - size));
}

absl::Status TarShardWriter::Open() {
  const ShardName name{options_.split, options_.part, options_.num_parts, next_shard_};
  path_ = absl::StrCat(options_.folder, "/", FormatShardName(name));
  SLIMREEL_ASSIGN_OR_RETURN(tar_, AtomicFile::Create(path_));
  ++next_shard_;
  tar_bytes_ = 0;
  num_frames_ = 0;
  index_ = IndexBuilder();
  return absl::OkStatus();
}

absl::Status TarShardWriter::AddOpened(const Sample& sample,
                                       const std::vector<PendingMember>& members,
                                       int64_t num_frames) {
  index_.AddSample({sample.key, sample.source, 0, sample.label, static_cast<uint32_t>(num_frames),
                    static_cast<uint32_t>(sample.height), static_cast<uint32_t>(sample.width),
                    sample.origin});
  for (const PendingMember& member : members) {
    SLIMREEL_RETURN_IF_ERROR(WriteMember(absl::StrCat(sample.key, ".", member.suffix), member));
  }
  num_frames_ += num_frames;
  return absl::OkStatus();
}

absl::Status TarShardWriter::Add(const Sample& sample) {
  SLIMREEL_RETURN_IF_ERROR(broken_);
  int64_t num_frames = sample.frames.empty() ? sample.num_frames : 0;
  for (const FrameRun& run : sample.frames) num_frames += run.num_frames;
  SLIMREEL_RETURN_IF_ERROR(CheckSample(sample, num_frames));
  if (!keys_.insert(sample.key).second)
    return BadSample(sample, "an earlier sample has the same key");

  const std::string json = JsonOf(sample, num_frames);
  const std::string npy_header =
      NpyHeader(NpyType::kUint8, {num_frames, sample.height, sample.width, 3});
  std::vector<PendingMember> members;
  if (!sample.frames.empty()) {
    PendingMember frames{"frames.npy", {npy_header}};
    for (const FrameRun& run : sample.frames) {
      frames.blocks.emplace_back(
          reinterpret_cast<const char*>(run.data),
          static_cast<uint64_t>(run.num_frames * sample.height * sample.width * 3));
    }
    members.push_back(std::move(frames));
  }
  for (const MemberData& member : sample.members)
    members.push_back({member.suffix, {member.content}});
  members.push_back({"json", {json}});

  uint64_t bytes = 0;
  for (const PendingMember& member : members) {
    const uint64_t size = member.size();
    bytes += TarHeader(absl::StrCat(sample.key, ".", member.suffix), size).size() + TarPadded(size);
  }
  if (tar_ != nullptr &&
      tar_bytes_ + bytes + kTarTrailer > static_cast<uint64_t>(options_.shard_size_bytes)) {
    SLIMREEL_RETURN_IF_ERROR(Flush());
  }
  if (tar_ == nullptr) SLIMREEL_RETURN_IF_ERROR(RememberError(Open()));
  return RememberError(AddOpened(sample, members, num_frames));
}

// Note [Publishing a pair]
// The tar is the shard; the index only saves reading the tar. So Flush removes an old index of
// the same name, then publishes the tar, then the index. A reader sees no shard, a tar without an
// index (which it rebuilds), or both files. It never sees the index of another tar; the index
// also holds the size of its tar.
absl::Status TarShardWriter::Flush() {
  SLIMREEL_RETURN_IF_ERROR(broken_);
  if (tar_ == nullptr) return absl::OkStatus();
  const auto publish = [this]() -> absl::Status {
    SLIMREEL_RETURN_IF_ERROR(Write(std::string(kTarTrailer, '\0')));
    std::error_code error;
    std::filesystem::remove(IndexPathOf(path_), error);
    if (error) {
      return absl::PermissionDeniedError(
          absl::StrCat("cannot replace ", IndexPathOf(path_), ": ", error.message()));
    }
    SLIMREEL_RETURN_IF_ERROR(tar_->Commit());
    return WriteFileAtomically(IndexPathOf(path_), index_.Build(tar_bytes_));
  };
  SLIMREEL_RETURN_IF_ERROR(RememberError(publish()));
  tar_.reset();
  published_.push_back(
      {path_, index_.num_samples(), num_frames_, static_cast<int64_t>(tar_bytes_)});
  return absl::OkStatus();
}

}  // namespace

absl::Status ShardWriterOptions::Validate() const {
  if (folder.empty()) return absl::InvalidArgumentError("the shard folder is empty");
  if (split.empty() || !std::all_of(split.begin(), split.end(),
                                    [](char c) { return absl::ascii_isalnum(c) || c == '_'; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("split '", split, "' is wrong; allowed are letters, digits and '_'"));
  }
  if (part < 0 || num_parts < 0 || part > num_parts || (num_parts > 0 && part == 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("part ", part, "/", num_parts, " is wrong; the parts of N are 1/N to N/N"));
  }
  if (first_shard < 0)
    return absl::InvalidArgumentError("first_shard is negative; it must be at least 0");
  if (shard_size_bytes < 1) {
    return absl::InvalidArgumentError("data.shard_size is too small; it must be at least 1 byte");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ShardWriter>> ShardWriter::Create(
    const ShardWriterOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(options.Validate());
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               absl::StrCat("cannot create the shard folder ", options.folder));
  }
  return std::make_unique<TarShardWriter>(options);
}

}  // namespace slimreel
