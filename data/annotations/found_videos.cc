#include "data/annotations/found_videos.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace slimreel {

int FoundVideos::AddOrigin(const std::string& origin) {
  origins_.push_back(origin);
  return static_cast<int>(origins_.size()) - 1;
}

void FoundVideos::Add(InputVideo video, absl::string_view label, bool from_folder, int origin,
                      int line) {
  videos_.push_back(std::move(video));
  sources_.push_back({LabelIndexOf(label, from_folder), origin, line});
}

void FoundVideos::Relabel(size_t video, absl::string_view label, int origin, int line) {
  sources_[video] = {LabelIndexOf(label, false), origin, line};
}

std::string FoundVideos::OriginOf(size_t video) const {
  const Source& source = sources_[video];
  const std::string& origin = origins_[source.origin];
  return source.line > 0 ? absl::StrCat(origin, ":", source.line) : origin;
}

absl::string_view FoundVideos::LabelOf(size_t video) const {
  const int label = sources_[video].label;
  return label < 0 ? absl::string_view() : labels_[label].text;
}

std::vector<WrittenLabel> FoundVideos::WrittenLabels() {
  std::vector<WrittenLabel> written;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].label < 0) continue;
    Label& label = labels_[sources_[i].label];
    if (label.written >= 0) continue;
    label.written = static_cast<int64_t>(written.size());
    written.push_back({label.text, label.from_folder, OriginOf(i)});
  }
  return written;
}

std::vector<InputVideo> FoundVideos::TakeVideos(const std::vector<int64_t>& numbers) {
  for (size_t i = 0; i < videos_.size(); ++i) {
    if (sources_[i].label >= 0) videos_[i].label = numbers[labels_[sources_[i].label].written];
  }
  return std::move(videos_);
}

int FoundVideos::LabelIndexOf(absl::string_view label, bool from_folder) {
  if (label.empty()) return -1;
  auto& known = from_folder ? of_folders_ : of_lists_;
  const auto [at, added] = known.try_emplace(label, static_cast<int>(labels_.size()));
  if (added) labels_.push_back({std::string(label), from_folder});
  return at->second;
}

}  // namespace slimreel
