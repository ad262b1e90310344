// "synthetic:N": N samples of the model's input sizes (frames, keypoints, log-mel,
// tokens), noise and labels that are functions of (seed, sample). For benchmarks and
// tests: nothing is read from disk.
#ifndef DATA_LOADING_SYNTHETIC_SOURCE_H_
#define DATA_LOADING_SYNTHETIC_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/clip_source.h"
#include "data/loading/loader_options.h"

namespace slimreel {

bool IsSyntheticSource(const std::string& source);

// Reads sources[0], the sizes of the inputs, seed and num_classes. InvalidArgument where N
// is no number from 1 on, another source stands beside it, or num_classes is below 1 and
// there are no tokens. Requests' frames and crops are ignored: a sample is exactly one clip.
// Keypoints lie evenly in the heatmap with scores in [0, 1), log-mel values in [-1, 1); a
// text fills half to all of its length, over tokens from 1 on (0 starts and pads it).
absl::StatusOr<std::unique_ptr<ClipSource>> OpenSyntheticSource(const LoaderOptions& options);

// "0" to num_classes - 1.
std::vector<std::string> SyntheticClasses(int64_t num_classes);

}  // namespace slimreel

#endif  // DATA_LOADING_SYNTHETIC_SOURCE_H_
