#include "data/annotations/label_file.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "data/annotations/label_json.h"
#include "data/annotations/label_table.h"
#include "data/annotations/video_name.h"

namespace slimreel {
namespace {

// Enough for ten million lines of a hundred bytes. A video given by mistake is not read whole.
constexpr int64_t kMaxListBytes = int64_t{1} << 30;

constexpr absl::string_view kPathWords[] = {
    "path",    "paths", "video",    "videos",   "videopath",   "videofile", "videoname",
    "videoid", "file",  "files",    "filename", "filenames",   "filepath",  "filepaths",
    "name",    "clip",  "clippath", "clipname", "clipid",      "id",        "youtubeid",
    "vid",     "uri",   "url",      "source",   "relativepath"};
constexpr absl::string_view kLabelWords[] = {
    "label",   "labels",    "class",   "classes",     "classname",  "classid",   "classlabel",
    "labelid", "labelname", "target",  "targets",     "category",   "action",    "y",
    "name",    "tag",       "emotion", "groundtruth", "labelindex", "classindex"};

template <size_t N>
bool IsOneOf(const absl::string_view (&words)[N], absl::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) plain += absl::ascii_tolower(c);
  }
  return std::find(std::begin(words), std::end(words), plain) != std::end(words);
}

absl::Status CheckSize(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return SystemError(errno, "open", path);
  if (S_ISDIR(status.st_mode)) return SystemError(EISDIR, "read", path);
  if (!S_ISREG(status.st_mode) || status.st_size <= kMaxListBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", status.st_size, " bytes are too many for a list of labels (at most ",
                   kMaxListBytes, "); divide it, or give another file"));
}

// Whether the first line is a heading: no; yes, by its words; yes, by the lines below it.
enum class Heading { kNone, kKnown, kLikely };

class HeadingFinder {
 public:
  HeadingFinder(const LabelFile& file, const NamesFile& names_file)
      : file_(file), names_file_(names_file) {}

  Heading Find() const {
    if (file_.lines.empty()) return Heading::kNone;
    const LabelLine& first = file_.lines.front();
    if (first.path.empty()) {
      // One word: a heading only above paths without labels. Above class names it is a class name.
      const bool paths_below =
          file_.lines.size() > 1 && !file_.lines[1].path.empty() && file_.lines[1].label.empty();
      return paths_below && IsOneOf(kPathWords, first.label) ? Heading::kKnown : Heading::kNone;
    }
    if (first.label.empty() || IsVideo(first)) return Heading::kNone;
    if (IsOneOf(kPathWords, first.path) && IsOneOf(kLabelWords, first.label))
      return Heading::kKnown;
    return StandsAboveVideos(first) ? Heading::kLikely : Heading::kNone;
  }

  // `label,path`.
  bool ColumnsAreSwapped() const {
    if (file_.lines.empty() || file_.lines.front().path.empty()) return false;
    const LabelLine& first = file_.lines.front();
    return !IsVideo(first) && IsOneOf(kLabelWords, first.path) &&
           IsOneOf(kPathWords, first.label) &&
           !(IsOneOf(kPathWords, first.path) && IsOneOf(kLabelWords, first.label));
  }

 private:
  bool IsVideo(const LabelLine& line) const {
    return IsVideoName(line.path) || names_file_(line.path);
  }

  bool StandsAboveVideos(const LabelLine& first) const {
    constexpr size_t kLookedAt = 100;
    if (file_.lines.size() < 2 || LabelNumber(first.label).has_value()) return false;
    size_t videos = 0;
    const size_t end = std::min(file_.lines.size(), kLookedAt + 1);
    for (size_t i = 1; i < end; ++i) videos += IsVideo(file_.lines[i]) ? 1 : 0;
    if (2 * videos < end - 1) return false;
    return std::none_of(file_.lines.begin() + 1, file_.lines.end(),
                        [&first](const LabelLine& line) { return line.label == first.label; });
  }

  const LabelFile& file_;
  const NamesFile& names_file_;
};

absl::Status RemoveHeading(const std::string& path, const NamesFile& names_file, LabelFile* file) {
  const HeadingFinder finder(*file, names_file);
  if (finder.ColumnsAreSwapped()) {
    return LabelError(path, file->lines.front().line,
                      "the label comes before the path; the columns must be path and label");
  }
  const Heading heading = finder.Find();
  if (heading == Heading::kNone) return absl::OkStatus();
  if (heading == Heading::kLikely) {
    const LabelLine& first = file->lines.front();
    file->warnings.push_back(absl::StrCat(path, ":", first.line, ": `", first.path, "` and `",
                                          first.label,
                                          "` are taken as the headings of the columns"));
  }
  file->lines.erase(file->lines.begin());
  return absl::OkStatus();
}

bool IsNegative(absl::string_view label) {
  return label.size() > 1 && label[0] == '-' &&
         label.find_first_not_of("0123456789.", 1) == absl::string_view::npos;
}

absl::Status CheckLabels(const std::string& path, const LabelFile& file) {
  for (const LabelLine& line : file.lines) {
    if (IsNegative(line.label)) {
      return LabelError(path, line.line,
                        absl::StrCat("`", line.label,
                                     "` is no label: labels are numbers from 0, or names; leave "
                                     "the label out if a video has none"));
    }
    if (!line.path.empty() && IsVideoName(line.label)) {
      return LabelError(path, line.line,
                        absl::StrCat("`", line.label,
                                     "` is the name of a video, but a label should be here; a line "
                                     "has a path and a label; put quotes around a path that "
                                     "contains the separator"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LabelFile> ParseText(const std::string& path, std::string text,
                                    const NamesFile& names_file) {
  for (const auto& [extension, separator] : {std::pair(".csv", ','), std::pair(".tsv", '\t')}) {
    if (absl::EndsWithIgnoreCase(path, extension) && IsLabelTable(text, separator)) {
      return ParseLabelTable(std::move(text), path, separator, names_file);
    }
  }
  return ParseLabelLines(std::move(text), path, names_file);
}

}  // namespace

absl::StatusOr<LabelFile> ReadLabelFile(const std::string& path, const NamesFile& names_file) {
  SLIMREEL_RETURN_IF_ERROR(CheckSize(path));
  SLIMREEL_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  SLIMREEL_ASSIGN_OR_RETURN(text, PlainText(std::move(text), path));
  LabelFile file;
  if (absl::EndsWithIgnoreCase(path, ".json") || IsLabelJson(text)) {
    SLIMREEL_ASSIGN_OR_RETURN(file, ParseLabelJson(text, path));
  } else {
    SLIMREEL_ASSIGN_OR_RETURN(file, ParseText(path, std::move(text), names_file));
    SLIMREEL_RETURN_IF_ERROR(RemoveHeading(path, names_file, &file));
  }
  SLIMREEL_RETURN_IF_ERROR(CheckLabels(path, file));
  return file;
}

std::optional<int64_t> LabelNumber(absl::string_view label) {
  int64_t number = 0;
  if (label.empty() || label.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(label, &number)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace slimreel
