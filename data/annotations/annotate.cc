#include "data/annotations/annotate.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "data/annotations/label_file.h"
#include "data/annotations/listed_files.h"

namespace slimreel {
namespace {

// Finds videos by the names that a line may use: path, name below the input, and file name.
class VideosByName {
 public:
  VideosByName(const FoundVideos& found, const std::string& annotations)
      : found_(found), files_(annotations) {
    std::error_code ignored;
    working_folder_ = (std::filesystem::current_path(ignored) / "").string();
    by_name_.reserve(2 * found.videos().size());
    for (uint32_t i = 0; i < found.videos().size(); ++i) {
      const InputVideo& video = found.videos()[i];
      const absl::string_view path = NormalIn(video.path, &storage_);
      Add(path, i);
      Add(video.name, i);
      Add(path.substr(path.rfind('/') + 1), i);
    }
  }

  bool NamesFile(absl::string_view word) const {
    return by_name_.contains(word) || files_.Exists(word);
  }

  // The video that a line at `where` names, or nothing. InvalidArgument: the name fits several.
  absl::StatusOr<std::optional<size_t>> Find(absl::string_view listed,
                                             const std::string& where) const {
    const Matches* matches = FindMatches(listed);
    if (matches == nullptr) return std::nullopt;
    if (matches->second == matches->first) return std::optional<size_t>(matches->first);
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": ", "`", listed, "` could be ", found_.videos()[matches->first].path,
                     " or ", found_.videos()[matches->second].path, "; write more of its path"));
  }

 private:
  struct Matches {
    uint32_t first;
    uint32_t second;  // another video; equal to `first` if there is none
  };

  void Add(absl::string_view name, uint32_t video) {
    const auto [at, added] = by_name_.try_emplace(name, Matches{video, video});
    if (!added && at->second.first != video) at->second.second = video;
  }

  const Matches* FindName(absl::string_view name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : &at->second;
  }

  // Tries the word as written, then its path beside the file and the word as a path; of each path,
  // the absolute and the relative form.
  const Matches* FindMatches(absl::string_view listed) const {
    if (const Matches* matches = FindName(listed)) return matches;
    for (const std::string& path : {files_.Beside(listed), std::string(listed)}) {
      std::string storage;
      const absl::string_view normal = NormalPath(path, &storage);
      if (const Matches* matches = FindName(normal)) return matches;
      const Matches* matches = absl::StartsWith(normal, "/")
                                   ? FindName(absl::StripPrefix(normal, working_folder_))
                                   : FindName(absl::StrCat(working_folder_, normal));
      if (matches != nullptr) return matches;
    }
    return nullptr;
  }

  const FoundVideos& found_;
  const ListedFiles files_;
  std::string working_folder_;
  std::deque<std::string> storage_;
  absl::flat_hash_map<absl::string_view, Matches> by_name_;
};

// Counts of lines.
struct Counts {
  int64_t named = 0;
  int64_t unused = 0;
  int64_t without_label = 0;
  std::string first_unused;
};

absl::Status CheckCounts(const std::string& annotations, const FoundVideos& found,
                         const Counts& counts, bool has_classes) {
  if (counts.named == 0 && counts.unused > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(annotations, ": none of its ", counts.unused,
                     " lines names a video of the input, the first ", counts.first_unused,
                     "; a line names a video by its path, or by its name as in ",
                     found.videos().empty() ? "--input" : found.videos().front().name));
  }
  bool has_labels = false;
  for (size_t i = 0; i < found.videos().size() && !has_labels; ++i) {
    has_labels = !found.LabelOf(i).empty();
  }
  if (has_labels && (has_classes || counts.named > 0)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      annotations, ": ",
      has_classes ? "it names classes, but no video has a label" : "it gives no label",
      "; write lines of `path label`, a table of path and label (.csv, .tsv), or JSON"));
}

void Warn(const std::string& annotations, const Counts& counts,
          std::vector<std::string>* warnings) {
  if (counts.unused > 0) {
    warnings->push_back(absl::StrCat(annotations, ": ", counts.unused,
                                     " lines name no video of the input, the first ",
                                     counts.first_unused));
  }
  if (counts.without_label > 0) {
    warnings->push_back(absl::StrCat(annotations, ": ", counts.without_label,
                                     " lines name a video but give it no label"));
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Annotate(const std::string& annotations,
                                                  FoundVideos* found,
                                                  std::vector<std::string>* warnings) {
  const VideosByName by_name(*found, annotations);
  SLIMREEL_ASSIGN_OR_RETURN(LabelFile file,
                            ReadLabelFile(annotations, [&by_name](absl::string_view word) {
                              return by_name.NamesFile(word);
                            }));
  std::move(file.warnings.begin(), file.warnings.end(), std::back_inserter(*warnings));
  std::vector<std::string> classes;
  Counts counts;
  const int origin = found->AddOrigin(annotations);
  for (const LabelLine& line : file.lines) {
    if (line.path.empty()) {
      classes.push_back(std::string(line.label));
      continue;
    }
    const std::string where = absl::StrCat(annotations, ":", line.line);
    SLIMREEL_ASSIGN_OR_RETURN(const std::optional<size_t> video, by_name.Find(line.path, where));
    if (!video) {
      if (++counts.unused == 1) counts.first_unused = absl::StrCat(where, " (", line.path, ")");
      continue;
    }
    ++counts.named;
    if (line.label.empty()) ++counts.without_label;
    if (found->IsOf(*video, origin) && found->LabelOf(*video) != line.label) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": ", line.path,
                                                     " has another label at ",
                                                     found->OriginOf(*video), "; remove one"));
    }
    found->Relabel(*video, line.label, origin, line.line);
  }
  SLIMREEL_RETURN_IF_ERROR(CheckCounts(annotations, *found, counts, !classes.empty()));
  Warn(annotations, counts, warnings);
  return classes;
}

}  // namespace slimreel
