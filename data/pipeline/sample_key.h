// Keys of samples: the names of a sample's members inside the shards. Pure.
#ifndef DATA_PIPELINE_SAMPLE_KEY_H_
#define DATA_PIPELINE_SAMPLE_KEY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slimreel {

// The parts of a video that its key is made of.
struct NamedVideo {
  std::string_view name;  // path below its input; two inputs may have the same name
  std::string_view path;  // path to open; unique
};

// One unique stem per video: its name without the extension, with '/' as "__" and every character
// other than letters, digits, '-' and '_' as '_', cut at 80 characters; then '_' and 12
// hexadecimal digits of the full name's hash. So a stem depends only on the name, and not on the
// other videos. Exception: videos of several inputs with the same name use the hash of their paths.
std::vector<std::string> KeyStems(const std::vector<NamedVideo>& videos);

// "<stem>-00012": sorting by key keeps the order of the chunks.
std::string SampleKey(const std::string& stem, int64_t chunk);

}  // namespace slimreel

#endif  // DATA_PIPELINE_SAMPLE_KEY_H_
