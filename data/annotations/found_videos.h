// Videos with their labels as users wrote them, before labels get numbers. Lists may have millions
// of lines, so each label and each origin is stored once.
//
// Threading: an object belongs to one thread.
#ifndef DATA_ANNOTATIONS_FOUND_VIDEOS_H_
#define DATA_ANNOTATIONS_FOUND_VIDEOS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "data/annotations/class_numbers.h"
#include "data/annotations/input_video.h"

namespace slimreel {

class FoundVideos {
 public:
  // Adds an origin: a folder, list or video that the user gave. Returns its number for Add and
  // Relabel.
  int AddOrigin(const std::string& origin);
  void Reserve(size_t more) { videos_.reserve(videos_.size() + more); }

  // An empty label means no label. Line 0 means that the origin has no lines.
  void Add(InputVideo video, absl::string_view label, bool from_folder, int origin, int line);
  void Relabel(size_t video, absl::string_view label, int origin, int line);

  const std::vector<InputVideo>& videos() const { return videos_; }
  std::string OriginOf(size_t video) const;  // "list.txt:3"
  bool IsOf(size_t video, int origin) const { return sources_[video].origin == origin; }
  absl::string_view LabelOf(size_t video) const;  // empty: none

  // The labels that videos have, each once.
  std::vector<WrittenLabel> WrittenLabels();
  // Moves all videos out, with `numbers` as their labels: one for each label of WrittenLabels.
  std::vector<InputVideo> TakeVideos(const std::vector<int64_t>& numbers);

 private:
  struct Source {
    int label = -1;  // in labels_
    int origin = 0;
    int line = 0;
  };
  struct Label {
    std::string text;
    bool from_folder = false;
    int64_t written = -1;  // index in WrittenLabels
  };

  int LabelIndexOf(absl::string_view label, bool from_folder);

  std::vector<InputVideo> videos_;
  std::vector<Source> sources_;
  std::vector<Label> labels_;
  std::vector<std::string> origins_;
  absl::flat_hash_map<std::string, int> of_folders_;  // text -> place in labels_
  absl::flat_hash_map<std::string, int> of_lists_;
};

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_FOUND_VIDEOS_H_
