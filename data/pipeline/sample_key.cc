#include "data/pipeline/sample_key.h"

#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "xxhash.h"

namespace slimreel {
namespace {

constexpr size_t kLongestStem = 80;

std::string SafeStem(std::string_view name) {
  const size_t slash = name.rfind('/');
  const size_t dot = name.rfind('.');
  const bool has_extension =
      dot != std::string_view::npos && dot > (slash == std::string_view::npos ? 0 : slash + 1);
  std::string stem;
  for (const char c : name.substr(0, has_extension ? dot : std::string_view::npos)) {
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
  absl::flat_hash_map<std::string_view, int> name_counts;
  name_counts.reserve(videos.size());
  for (const NamedVideo& video : videos) ++name_counts[video.name];
  std::vector<std::string> stems;
  stems.reserve(videos.size());
  for (const NamedVideo& video : videos) {
    const std::string_view full = name_counts[video.name] > 1 ? video.path : video.name;
    const uint64_t hash = XXH3_64bits(full.data(), full.size());
    stems.push_back(absl::StrFormat("%s_%012x", SafeStem(video.name).substr(0, kLongestStem),
                                    hash & ((uint64_t{1} << 48) - 1)));
  }
  return stems;
}

std::string SampleKey(const std::string& stem, int64_t chunk) {
  return absl::StrFormat("%s-%05d", stem, chunk);
}

}  // namespace slimreel
