#include "data/annotations/video_name.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace slimreel {
namespace {

constexpr absl::string_view kExtensions[] = {
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg",  "mpeg", "ts",  "mts", "m2ts", "wmv",
    "flv", "3gp", "ogv", "gif", "y4m",  "vob", "h264", "h265", "264", "265", "ivf",  "nut"};

}  // namespace

bool IsVideoName(absl::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == absl::string_view::npos || dot == 0 || path[dot - 1] == '/') return false;
  const absl::string_view extension = path.substr(dot + 1);
  return std::any_of(std::begin(kExtensions), std::end(kExtensions), [&](absl::string_view known) {
    return absl::EqualsIgnoreCase(extension, known);
  });
}

bool HasVideoNameInside(absl::string_view text) {
  for (size_t dot = text.find('.'); dot != absl::string_view::npos; dot = text.find('.', dot + 1)) {
    size_t end = dot + 1;
    while (end < text.size() && absl::ascii_isalnum(static_cast<unsigned char>(text[end]))) ++end;
    if (end == text.size()) return false;
    if (absl::string_view(" \t,;|").find(text[end]) != absl::string_view::npos &&
        IsVideoName(text.substr(0, end))) {
      return true;
    }
  }
  return false;
}

}  // namespace slimreel
