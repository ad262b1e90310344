// Keys of samples: what the members of a sample are called inside of the shards. Pure.
#ifndef DATA_PIPELINE_SAMPLE_KEY_H_
#define DATA_PIPELINE_SAMPLE_KEY_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

// A video as its key is made of it.
struct NamedVideo {
  std::string name;  // below its input: two inputs may have the same
  std::string path;  // to open: no two are the same
};

// One stem per video, unique: the name without its extension, '/' as "__", and
// whatever is no letter, digit, '-' or '_' as '_'. Names that would meet, and
// names cut at 80 characters, get a hash of the full name, names that are the same one
// of the path; so a stem depends on the set of videos and not on their order.
std::vector<std::string> KeyStems(const std::vector<NamedVideo>& videos);

// "<stem>-00012": sorting follows the chunks.
std::string SampleKey(const std::string& stem, int64_t chunk);

}  // namespace slimreel

#endif  // DATA_PIPELINE_SAMPLE_KEY_H_
