#include "data/annotations/input_list.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/annotations/label_lines.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// A number that a typing slip could turn into gigabytes of class names.
constexpr int64_t kMaxClasses = 1000000;

bool HasExtension(const fs::path& path, std::initializer_list<const char*> extensions) {
  const std::string extension = absl::AsciiStrToLower(path.extension().string());
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

bool IsVideoName(const fs::path& path) {
  return HasExtension(path, {".mp4", ".m4v", ".mov",  ".mkv",  ".webm", ".avi", ".mpg", ".mpeg",
                             ".ts",  ".mts", ".m2ts", ".wmv",  ".flv",  ".3gp", ".ogv", ".gif",
                             ".y4m", ".vob", ".h264", ".h265", ".264",  ".265", ".ivf", ".nut"});
}

bool IsListName(const fs::path& path) {
  return HasExtension(path, {".txt", ".csv", ".tsv", ".lst", ".list"});
}

// A video with its label as written, before labels have numbers.
struct Found {
  InputVideo video;
  std::string label;   // empty: none
  std::string origin;  // "list.txt:3" for messages
};

// The folders on the way down from an input, by their real paths: links to folders are
// followed, but not back to where they come from, which would find everything again and again.
class WayDown {
 public:
  explicit WayDown(const fs::path& input) : way_{Real(input)} {}

  // True where the way goes on into `folder`, `depth` folders below the input; false where
  // it leads to a folder on the way, or to one that such a folder lies in.
  bool Enter(const fs::directory_entry& folder, int depth) {
    way_.resize(depth + 1);
    std::error_code ignored;
    if (!folder.is_symlink(ignored)) {
      way_.push_back(way_.back() / folder.path().filename());
      return true;
    }
    const fs::path target = Real(folder.path());
    const auto holds = [&target](const fs::path& inner) {
      return std::mismatch(target.begin(), target.end(), inner.begin(), inner.end()).first ==
             target.end();
    };
    if (std::any_of(way_.begin(), way_.end(), holds)) return false;
    way_.push_back(target);
    return true;
  }

 private:
  static fs::path Real(const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    return error ? path : real;
  }

  std::vector<fs::path> way_;
};

struct FolderFiles {
  std::vector<fs::path> videos;  // below the folder, in the order of their names
  int64_t others = 0;
  std::vector<std::string> links_back;
};

absl::StatusOr<FolderFiles> ListFolder(const std::string& input) {
  std::error_code error;
  FolderFiles files;
  WayDown way(input);
  const auto flags = fs::directory_options::follow_directory_symlink;
  for (fs::recursive_directory_iterator it(input, flags, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      const bool hidden = name[0] == '.';
      if (!hidden && way.Enter(*it, it.depth())) continue;
      if (!hidden) files.links_back.push_back(it->path().string());
      it.disable_recursion_pending();
    } else if (name[0] == '.') {
      continue;
    } else if (IsVideoName(it->path())) {
      files.videos.push_back(it->path().lexically_relative(input));
    } else if (!name.ends_with(".kpts.npy")) {  // beside their videos (keypoint_file.h)
      ++files.others;
    }
  }
  if (error) return absl::PermissionDeniedError(absl::StrCat(input, ": ", error.message()));
  std::sort(files.videos.begin(), files.videos.end(), [](const fs::path& a, const fs::path& b) {
    return a.generic_string() < b.generic_string();
  });
  return files;
}

absl::Status AddFolder(const std::string& input, std::vector<Found>* found,
                       std::vector<std::string>* warnings) {
  SLIMREEL_ASSIGN_OR_RETURN(const FolderFiles files, ListFolder(input));
  if (files.others > 0) {
    warnings->push_back(absl::StrCat(input, ": ", files.others,
                                     " files are passed over (by their names, no videos)"));
  }
  for (const std::string& link : files.links_back) {
    warnings->push_back(absl::StrCat(
        link, ": this link is not followed, for it leads back to a folder that it lies in"));
  }
  for (const fs::path& file : files.videos) {
    const std::string label = file.has_parent_path() ? file.begin()->string() : "";
    found->push_back({{(fs::path(input) / file).string(), file.generic_string()}, label, input});
  }
  return absl::OkStatus();
}

// Beside the list, else where the user stands; if neither is there, the first.
std::string ResolveListed(const fs::path& list, const std::string& listed) {
  std::error_code ignored;
  const fs::path beside = list.parent_path() / listed;  // an absolute path stays itself
  return fs::exists(beside, ignored) || !fs::exists(listed, ignored) ? beside.string() : listed;
}

absl::Status AddList(const std::string& list, std::vector<Found>* found) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<LabelLine> lines, ReadLabelLines(list));
  for (const LabelLine& line : lines) {
    // One word: a path without a label.
    const std::string& path = line.path.empty() ? line.label : line.path;
    std::string name = fs::path(path).lexically_normal().generic_string();
    while (name.rfind("../", 0) == 0) name.erase(0, 3);
    name.erase(0, name.find_first_not_of('/'));
    found->push_back({{ResolveListed(list, path), name},
                      line.path.empty() ? "" : line.label,
                      absl::StrCat(list, ":", line.line)});
  }
  return absl::OkStatus();
}

absl::Status AddInput(const std::string& input, std::vector<Found>* found,
                      std::vector<std::string>* warnings) {
  std::error_code error;
  const fs::file_status status = fs::status(input, error);
  if (!fs::exists(status)) {
    return absl::NotFoundError(
        absl::StrCat("--input: ", input,
                     " does not exist; give folders, lists of `path label` lines or videos"));
  }
  if (fs::is_directory(status)) return AddFolder(input, found, warnings);
  if (IsListName(input)) return AddList(input, found);
  found->push_back({{input, fs::path(input).filename().string()}, "", input});
  return absl::OkStatus();
}

absl::Status RefuseDoubles(const std::vector<Found>& found) {
  std::map<std::string, const Found*> seen;
  for (const Found& video : found) {
    const auto [at, added] = seen.emplace(fs::path(video.video.path).lexically_normal(), &video);
    if (!added) {
      return absl::InvalidArgumentError(
          absl::StrCat(video.origin, ": ", video.video.path, " is given twice, first by ",
                       at->second->origin, "; leave one of them out"));
    }
  }
  return absl::OkStatus();
}

// Videos by path, by name below the input, and by file name: what a line may call them.
using VideosByName = std::map<std::string, std::vector<Found*>>;

VideosByName ByName(std::vector<Found>* found) {
  VideosByName by_name;
  for (Found& video : *found) {
    const fs::path path = fs::path(video.video.path).lexically_normal();
    for (const std::string& name :
         std::set<std::string>{path, video.video.name, path.filename().string()}) {
      by_name[name].push_back(&video);
    }
  }
  return by_name;
}

// The video that a line at `where` names, as it is written or beside the file; null: none.
// InvalidArgument where it could be several.
absl::StatusOr<Found*> Named(const VideosByName& by_name, const std::string& annotations,
                             const std::string& listed, const std::string& where) {
  const std::string beside =
      fs::path(ResolveListed(annotations, listed)).lexically_normal().string();
  for (const std::string& name : {listed, beside}) {
    const auto at = by_name.find(name);
    if (at == by_name.end()) continue;
    const std::vector<Found*>& hits = at->second;
    if (hits.size() == 1) return hits[0];
    return absl::InvalidArgumentError(absl::StrCat(where, ": ", listed, " could be ",
                                                   hits[0]->video.path, " or ", hits[1]->video.path,
                                                   "; write more of the path"));
  }
  return nullptr;
}

// Gives labels of an annotation file to the videos that it names; its words alone are classes.
absl::Status Annotate(const std::string& annotations, std::vector<Found>* found,
                      std::vector<std::string>* classes, std::vector<std::string>* warnings) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<LabelLine> lines, ReadLabelLines(annotations));
  const VideosByName by_name = ByName(found);
  int64_t unused = 0;
  for (const LabelLine& line : lines) {
    if (line.path.empty()) {
      classes->push_back(line.label);
      continue;
    }
    const std::string where = absl::StrCat(annotations, ":", line.line);
    SLIMREEL_ASSIGN_OR_RETURN(Found* const video, Named(by_name, annotations, line.path, where));
    if (video == nullptr) {
      ++unused;
      continue;
    }
    video->label = line.label;
    video->origin = where;
  }
  if (unused > 0) {
    warnings->push_back(
        absl::StrCat(annotations, ": ", unused, " lines name no video of the input"));
  }
  return absl::OkStatus();
}

std::vector<std::string> NumberedClasses(const std::vector<Found>& found) {
  int64_t count = 0;
  for (const Found& video : found) {
    count = std::max(count, LabelNumber(video.label).value_or(-1) + 1);
  }
  std::vector<std::string> classes;
  for (int64_t i = 0; i < std::min(count, kMaxClasses); ++i) classes.push_back(absl::StrCat(i));
  return classes;
}

std::vector<std::string> ClassesOf(const std::vector<Found>& found) {
  std::set<std::string> names;
  for (const Found& video : found) {
    if (!video.label.empty()) names.insert(video.label);
  }
  const bool numbers = std::all_of(names.begin(), names.end(),
                                   [](const auto& name) { return LabelNumber(name).has_value(); });
  if (numbers) return NumberedClasses(found);
  return {names.begin(), names.end()};
}

// Names first, then numbers: a class may be called "7".
absl::StatusOr<int64_t> NumberOf(const Found& video,
                                 const std::map<std::string, int64_t>& numbers) {
  const auto at = numbers.find(video.label);
  if (at != numbers.end()) return at->second;
  const std::optional<int64_t> number = LabelNumber(video.label);
  const int64_t count = static_cast<int64_t>(numbers.size());
  if (number && *number < count) return *number;
  return absl::InvalidArgumentError(absl::StrCat(
      video.origin, ": `", video.label, "` is no class of this data set, which has ", count,
      number ? " classes, numbered from 0" : " classes",
      "; correct the label, or prepare into another --output if the classes have changed"));
}

absl::Status CheckClasses(const std::vector<std::string>& classes, const std::string& origin) {
  std::set<std::string> seen;
  for (const std::string& name : classes) {
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(origin, ": class ", name, " is named twice; leave one of them out"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InputList> ListInputs(const InputRequest& request) {
  InputList list;
  std::vector<Found> found;
  for (const std::string& input : request.inputs) {
    SLIMREEL_RETURN_IF_ERROR(AddInput(input, &found, &list.warnings));
  }
  SLIMREEL_RETURN_IF_ERROR(RefuseDoubles(found));
  std::vector<std::string> named;
  if (!request.annotations.empty()) {
    SLIMREEL_RETURN_IF_ERROR(Annotate(request.annotations, &found, &named, &list.warnings));
    SLIMREEL_RETURN_IF_ERROR(CheckClasses(named, request.annotations));
  }
  list.classes = !request.known_classes.empty() ? request.known_classes
                 : !named.empty()               ? named
                                                : ClassesOf(found);
  if (!named.empty() && named != list.classes) {
    return absl::InvalidArgumentError(absl::StrCat(
        request.annotations, ": its class names are not those that this data set has already (",
        absl::StrJoin(list.classes, ", "), ")"));
  }
  std::map<std::string, int64_t> numbers;
  for (const std::string& name : list.classes) numbers.emplace(name, numbers.size());
  for (Found& video : found) {
    if (!video.label.empty()) {
      SLIMREEL_ASSIGN_OR_RETURN(video.video.label, NumberOf(video, numbers));
    }
    list.videos.push_back(std::move(video.video));
  }
  return list;
}

}  // namespace slimreel
