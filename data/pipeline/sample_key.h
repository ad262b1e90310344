// Keys of samples: what the members of a sample are called inside of the shards. Pure.
#ifndef DATA_PIPELINE_SAMPLE_KEY_H_
#define DATA_PIPELINE_SAMPLE_KEY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slimreel {

// A video as its key is made of it.
struct NamedVideo {
  std::string_view name;  // below its input: two inputs may have the same
  std::string_view path;  // to open: no two are the same
};

// One stem per video, unique: the name without its extension, '/' as "__", whatever is no
// letter, digit, '-' or '_' as '_', cut at 80 characters; behind it '_' and 12 hexadecimal
// digits of the full name's hash. So a stem follows from the name, whatever else there is.
// Videos of one name, from several inputs, have the hash of their paths.
std::vector<std::string> KeyStems(const std::vector<NamedVideo>& videos);

// "<stem>-00012": sorting follows the chunks.
std::string SampleKey(const std::string& stem, int64_t chunk);

}  // namespace slimreel

#endif  // DATA_PIPELINE_SAMPLE_KEY_H_
