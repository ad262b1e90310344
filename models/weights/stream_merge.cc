#include "models/weights/stream_merge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

constexpr char kBackbone[] = "backbone.", kHead[] = "cls_head.fc_cls.";

struct StreamKeys {
  std::string backbone;
  std::string head;
};

StreamKeys KeysOf(Stream stream) {
  if (stream == Stream::kRgb) return {"backbone.rgb_path.", "cls_head.fc_rgb."};
  return {"backbone.pose_path.", "cls_head.fc_pose."};
}

// `name` with the prefix `from` replaced by `to`; empty if it has another prefix.
std::string WithPrefix(const std::string& name, const std::string& from, const std::string& to) {
  return absl::StartsWith(name, from) ? to + name.substr(from.size()) : "";
}

}  // namespace

bool HasTwoStreams(const std::set<std::string>& model) {
  return std::any_of(model.begin(), model.end(), [](const std::string& name) {
    return absl::StartsWith(name, KeysOf(Stream::kRgb).backbone);
  });
}

std::set<std::string> NamesOfStream(const std::set<std::string>& model, Stream stream) {
  const StreamKeys keys = KeysOf(stream);
  std::set<std::string> names;
  for (const std::string& name : model) {
    if (IsLateral(name)) continue;
    const std::string backbone = WithPrefix(name, keys.backbone, kBackbone);
    const std::string head = WithPrefix(name, keys.head, kHead);
    if (!backbone.empty()) names.insert(backbone);
    if (!head.empty()) names.insert(head);
  }
  return names;
}

std::string NameInStream(const std::string& name, Stream stream) {
  const StreamKeys keys = KeysOf(stream);
  const std::string backbone = WithPrefix(name, kBackbone, keys.backbone);
  if (!backbone.empty()) return backbone;
  const std::string head = WithPrefix(name, kHead, keys.head);
  return head.empty() ? name : head;
}

std::map<std::string, int64_t> LateralInputs(const std::vector<WeightEntry>& model) {
  // A lateral into RGB is a convolution, stored [out, in, ...]. A lateral into pose is a
  // transposed convolution, stored [in, out, ...].
  constexpr std::pair<Stream, size_t> kOutputsOf[] = {{Stream::kRgb, 0}, {Stream::kPose, 1}};
  std::map<std::string, int64_t> added;
  for (const WeightEntry& entry : model) {
    for (const auto& [stream, outputs] : kOutputsOf) {
      const std::string path = KeysOf(stream).backbone;
      const std::string place = WithPrefix(entry.name, path + "layer", "");
      int layer = 0;
      if (!absl::EndsWith(place, "_lateral.conv.weight") || entry.shape.size() < 2 ||
          !absl::SimpleAtoi(place.substr(0, place.find('_')), &layer)) {
        continue;
      }
      const std::string block = absl::StrCat(path, "layer", layer + 1, ".0.");
      added[block + "conv1.conv.weight"] = entry.shape[outputs];
      added[block + "downsample.conv.weight"] = entry.shape[outputs];
    }
  }
  return added;
}

bool IsLateral(const std::string& name) { return absl::StrContains(name, "_lateral."); }

}  // namespace slimreel
