#include "data/shard/rebuild_index.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/byte_text.h"
#include "base/status_macros.h"
#include "data/shard/index.h"
#include "data/shard/npy.h"
#include "data/shard/sample_origin.h"
#include "data/shard/shard_types.h"
#include "data/shard/tar.h"

namespace slimreel {
namespace {

// The sample whose members are being read.
struct PendingSample {
  std::string key, source;
  IndexSample facts;
  uint32_t images = 0;
  std::vector<IndexMember> members;
};

absl::Status ReadJson(std::string_view content, PendingSample* sample) {
  const auto json =
      nlohmann::json::parse(content.begin(), content.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::DataLossError("the JSON is not an object");
  const auto integer = [&json](const char* name, int64_t fallback) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : fallback;
  };
  const auto extent = [&integer](const char* name) {
    const int64_t value = integer(name, 0);
    return value >= 0 && value <= UINT32_MAX ? static_cast<uint32_t>(value) : uint32_t{0};
  };
  sample->facts.label = std::max<int64_t>(integer("label", -1), -1);
  sample->facts.origin = OriginFromJson(json);
  if (const auto found = json.find("source"); found != json.end() && found->is_string()) {
    sample->source = BytesOfText(found->get_ref<const std::string&>());
  }
  if (sample->facts.num_frames == 0) {  // a frames array gives them itself; encoded images do not
    sample->facts.num_frames = extent("num_frames");
    sample->facts.height = extent("height");
    sample->facts.width = extent("width");
  }
  return absl::OkStatus();
}

absl::Status ReadFrames(std::string_view content, PendingSample* sample) {
  SLIMREEL_ASSIGN_OR_RETURN(const NpyView npy, ParseNpy(content));
  if (npy.type != NpyType::kUint8 || npy.shape.size() != 4 || npy.shape[3] != 3) {
    return absl::DataLossError("frames are not [T, H, W, 3] uint8");
  }
  for (const int64_t extent : npy.shape) {
    if (extent > UINT32_MAX) return absl::DataLossError("the shape of the frames is impossible");
  }
  sample->facts.num_frames = static_cast<uint32_t>(npy.shape[0]);
  sample->facts.height = static_cast<uint32_t>(npy.shape[1]);
  sample->facts.width = static_cast<uint32_t>(npy.shape[2]);
  return absl::OkStatus();
}

void Finish(PendingSample* sample, IndexBuilder* builder) {
  if (sample->members.empty()) return;
  if (sample->facts.num_frames == 0) sample->facts.num_frames = sample->images;
  sample->facts.key = sample->key;
  sample->facts.source = sample->source.empty() ? sample->key : sample->source;
  builder->AddSample(sample->facts);
  for (const IndexMember& member : sample->members) builder->AddMember(member);
  *sample = PendingSample();
}

}  // namespace

absl::StatusOr<std::string> RebuildIndex(std::string_view tar) {
  IndexBuilder builder;
  PendingSample sample;
  absl::flat_hash_set<std::string> keys;
  const auto visit = [&](const TarMember& file) -> absl::Status {
    const size_t slash = file.name.rfind('/');
    const size_t dot = file.name.find('.', slash == std::string::npos ? 0 : slash + 1);
    if (dot == std::string::npos || dot == (slash == std::string::npos ? 0 : slash + 1)) {
      return absl::DataLossError(
          absl::StrCat("the name of member ", file.name, " is not <key>.<suffix>"));
    }
    const std::string key = file.name.substr(0, dot);
    if (key != sample.key) {
      Finish(&sample, &builder);
      if (!keys.insert(key).second) {
        return absl::DataLossError(
            absl::StrCat("the members of sample ", key, " are not contiguous"));
      }
      sample.key = key;
    }
    const MemberName name = ParseMemberSuffix(std::string_view(file.name).substr(dot + 1));
    const std::string_view content = tar.substr(file.offset, file.size);
    absl::Status status;
    if (name.kind == MemberKind::kJson) status = ReadJson(content, &sample);
    if (name.kind == MemberKind::kFrames) status = ReadFrames(content, &sample);
    if (!status.ok()) {
      return absl::DataLossError(absl::StrCat("member ", file.name, ": ", status.message()));
    }
    if (name.kind == MemberKind::kImage) ++sample.images;
    sample.members.push_back({name.kind, name.ordinal, file.offset, file.size, false, {}});
    return absl::OkStatus();
  };
  SLIMREEL_RETURN_IF_ERROR(ScanTar(tar, visit));
  Finish(&sample, &builder);
  return builder.Build(tar.size());
}

}  // namespace slimreel
