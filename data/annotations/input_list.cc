#include "data/annotations/input_list.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "data/annotations/annotate.h"
#include "data/annotations/class_numbers.h"
#include "data/annotations/folder_videos.h"
#include "data/annotations/found_videos.h"
#include "data/annotations/label_file.h"
#include "data/annotations/listed_files.h"
#include "data/annotations/shared_keypoints.h"

namespace slimreel {
namespace {

bool IsListName(absl::string_view path) {
  for (const char* extension : {".txt", ".csv", ".tsv", ".lst", ".list", ".json"}) {
    if (absl::EndsWithIgnoreCase(path, extension)) return true;
  }
  return false;
}

absl::string_view FileName(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

// The name from which a key is made: normal, without leading "../" and "/".
std::string NameOf(absl::string_view listed) {
  std::string storage;
  absl::string_view name = NormalPath(listed, &storage);
  while (absl::StartsWith(name, "../")) name.remove_prefix(3);
  while (absl::StartsWith(name, "/")) name.remove_prefix(1);
  return std::string(name);
}

absl::Status NoVideoError(const std::string& input, absl::string_view why) {
  return WithExitCode(absl::FailedPreconditionError(
                          absl::StrCat("--input: ", input, " holds no video", why,
                                       "; check that its disk is mounted, or leave it out")),
                      ExitCode::kDataUnusable);
}

class Inputs {
 public:
  absl::Status Add(const std::string& input) {
    struct stat status;
    if (stat(input.c_str(), &status) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) return SystemError(errno, "open", input);
      return absl::NotFoundError(
          absl::StrCat("--input: ", input,
                       " does not exist; give folders, lists of `path label` lines or videos"));
    }
    if (S_ISDIR(status.st_mode)) return AddFolder(input);
    if (IsListName(input)) return AddList(input);
    found_.Add({input, std::string(FileName(input))}, "", false, found_.AddOrigin(input), 0);
    return absl::OkStatus();
  }

  FoundVideos& found() { return found_; }
  std::vector<std::string>& warnings() { return warnings_; }
  std::vector<std::string>& unreadable() { return unreadable_; }

 private:
  absl::Status AddFolder(const std::string& input) {
    SLIMREEL_ASSIGN_OR_RETURN(const FolderVideos folder, ListFolderVideos(input));
    Warn(input, folder);
    if (folder.videos.empty()) {
      return NoVideoError(
          input, folder.unreadable.empty()
                     ? ""
                     : absl::StrCat(" that can be read (", folder.unreadable.front(), " and ",
                                    folder.unreadable.size() - 1, " more folders cannot)"));
    }
    const int origin = found_.AddOrigin(input);
    const absl::string_view slash = absl::EndsWith(input, "/") ? "" : "/";
    for (const std::string& name : folder.videos) {
      const size_t end = name.find('/');
      const bool has_class = end != std::string::npos;
      found_.Add({absl::StrCat(input, slash, name), name},
                 absl::string_view(name).substr(0, has_class ? end : 0), true, origin, 0);
    }
    return absl::OkStatus();
  }

  void Warn(const std::string& input, const FolderVideos& folder) {
    if (folder.others > 0) {
      warnings_.push_back(absl::StrCat(input, ": ", folder.others,
                                       " files are skipped: their names are not those of videos"));
    }
    for (const std::string& link : folder.links_back) {
      warnings_.push_back(absl::StrCat(
          link, ": this link is not followed, because it leads to a folder that contains it"));
    }
    unreadable_.insert(unreadable_.end(), folder.unreadable.begin(), folder.unreadable.end());
    if (!folder.unreadable.empty()) {
      warnings_.push_back(absl::StrCat(input, ": ", folder.unreadable.size(),
                                       " folders cannot be read, so their videos are left out; "
                                       "give this user permission to read "
                                       "them: ",
                                       absl::StrJoin(folder.unreadable, ", ")));
    }
  }

  absl::Status AddList(const std::string& list) {
    const ListedFiles files(list);
    SLIMREEL_ASSIGN_OR_RETURN(
        LabelFile lines,
        ReadLabelFile(list, [&files](absl::string_view name) { return files.Exists(name); }));
    if (lines.lines.empty()) return NoVideoError(list, ": no line names one");
    std::move(lines.warnings.begin(), lines.warnings.end(), std::back_inserter(warnings_));
    const int origin = found_.AddOrigin(list);
    found_.Reserve(lines.lines.size());
    for (const LabelLine& line : lines.lines) {
      // In an input, a line of one word is a path.
      const absl::string_view path = line.path.empty() ? line.label : line.path;
      found_.Add({files.Resolve(path), NameOf(path)}, line.path.empty() ? "" : line.label, false,
                 origin, line.line);
    }
    return absl::OkStatus();
  }

  FoundVideos found_;
  std::vector<std::string> warnings_;
  std::vector<std::string> unreadable_;
};

absl::Status RefuseDuplicates(const FoundVideos& found) {
  absl::flat_hash_map<absl::string_view, size_t> seen;
  seen.reserve(found.videos().size());
  std::deque<std::string> storage;
  for (size_t i = 0; i < found.videos().size(); ++i) {
    const std::string& path = found.videos()[i].path;
    const auto [at, added] = seen.emplace(NormalIn(path, &storage), i);
    if (!added) {
      return absl::InvalidArgumentError(
          absl::StrCat(found.OriginOf(i), ": ", path, " is given twice, first by ",
                       found.OriginOf(at->second), "; remove one of them"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckKeypoints(const FoundVideos& found) {
  std::vector<absl::string_view> paths;
  paths.reserve(found.videos().size());
  for (const InputVideo& video : found.videos()) paths.push_back(video.path);
  return RefuseSharedKeypoints(paths);
}

}  // namespace

absl::StatusOr<InputList> ListInputs(const InputRequest& request) {
  Inputs inputs;
  for (const std::string& input : request.inputs) SLIMREEL_RETURN_IF_ERROR(inputs.Add(input));
  FoundVideos& found = inputs.found();
  SLIMREEL_RETURN_IF_ERROR(RefuseDuplicates(found));
  if (request.keypoints) SLIMREEL_RETURN_IF_ERROR(CheckKeypoints(found));
  ClassRequest classes{request.known_classes, {}, request.annotations};
  if (!request.annotations.empty()) {
    SLIMREEL_ASSIGN_OR_RETURN(classes.named,
                              Annotate(request.annotations, &found, &inputs.warnings()));
  }
  SLIMREEL_ASSIGN_OR_RETURN(ClassNumbers numbers, NumberClasses(found.WrittenLabels(), classes));
  InputList list;
  list.warnings = std::move(inputs.warnings());
  list.unreadable_folders = std::move(inputs.unreadable());
  std::move(numbers.warnings.begin(), numbers.warnings.end(), std::back_inserter(list.warnings));
  list.videos = found.TakeVideos(numbers.numbers);
  list.classes = std::move(numbers.classes);
  return list;
}

}  // namespace slimreel
