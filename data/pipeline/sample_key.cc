#include "data/pipeline/sample_key.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "xxhash.h"

namespace slimreel {
namespace {

constexpr size_t kLongestStem = 80;

std::string SafeStem(const std::string& name) {
  const size_t slash = name.rfind('/');
  const size_t dot = name.rfind('.');
  const bool has_extension =
      dot != std::string::npos && dot > (slash == std::string::npos ? 0 : slash + 1);
  std::string stem;
  for (const char c : name.substr(0, has_extension ? dot : std::string::npos)) {
    if (c == '/') {
      stem += "__";
    } else {
      stem += absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ? c : '_';
    }
  }
  return stem.empty() ? "video" : stem;
}

}  // namespace

std::vector<std::string> KeyStems(const std::vector<NamedVideo>& videos) {
  std::vector<std::string> stems;
  std::map<std::string, int> counts;
  std::map<std::string, int> bearers;
  for (const NamedVideo& video : videos) {
    stems.push_back(SafeStem(video.name));
    ++bearers[video.name];
    ++counts[absl::AsciiStrToLower(stems.back())];  // also unique where case is lost
  }
  for (size_t i = 0; i < videos.size(); ++i) {
    const bool alone = counts[absl::AsciiStrToLower(stems[i])] == 1;
    if (alone && stems[i].size() <= kLongestStem) continue;
    const std::string& full = bearers[videos[i].name] > 1 ? videos[i].path : videos[i].name;
    const uint64_t hash = XXH3_64bits(full.data(), full.size());
    stems[i] = absl::StrFormat("%s_%016x", stems[i].substr(0, kLongestStem), hash);
  }
  return stems;
}

std::string SampleKey(const std::string& stem, int64_t chunk) {
  return absl::StrFormat("%s-%05d", stem, chunk);
}

}  // namespace slimreel
