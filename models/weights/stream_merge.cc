#include "models/weights/stream_merge.h"

#include <algorithm>

#include "absl/strings/match.h"
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

// `name` with `to` in place of the prefix `from`; empty where it has another.
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

std::string InStream(const std::string& name, Stream stream) {
  const StreamKeys keys = KeysOf(stream);
  const std::string backbone = WithPrefix(name, kBackbone, keys.backbone);
  if (!backbone.empty()) return backbone;
  const std::string head = WithPrefix(name, kHead, keys.head);
  return head.empty() ? name : head;
}

bool IsLateral(const std::string& name) { return absl::StrContains(name, "_lateral."); }

}  // namespace slimreel
