// Videos with their labels as written, before labels have numbers. Lean, because lists may
// have millions of lines: labels and origins are held once. An object belongs to one thread.
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
  // A folder, list or video that was given; Add and Relabel name it by the number returned.
  int AddOrigin(const std::string& origin);
  void Reserve(size_t more) { videos_.reserve(videos_.size() + more); }

  // An empty label is none; line 0: the origin has no lines.
  void Add(InputVideo video, absl::string_view label, bool from_folder, int origin, int line);
  void Relabel(size_t video, absl::string_view label, int origin, int line);

  const std::vector<InputVideo>& videos() const { return videos_; }
  std::string OriginOf(size_t video) const;  // "list.txt:3"
  bool IsOf(size_t video, int origin) const { return sources_[video].origin == origin; }
  absl::string_view LabelOf(size_t video) const;  // empty: none

  // Those that videos have.
  std::vector<WrittenLabel> WrittenLabels();
  // All videos; `numbers` are of the labels that WrittenLabels returned. Leaves none.
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
    int64_t written = -1;  // its place in WrittenLabels
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
