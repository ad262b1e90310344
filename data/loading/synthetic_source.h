// The source "synthetic:N": N samples of noise in the model's input sizes (frames,
// keypoints, log-mel, tokens) with labels. Both are functions of (seed, sample). For
// benchmarks and tests: it reads nothing from disk.
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

// Reads from the options sources[0], the sizes of the inputs, seed and num_classes. A sample is
// exactly one clip; the source ignores the frames and crops of a request. Keypoints are uniform
// in the heatmap with scores in [0, 1); log-mel values lie in [-1, 1). A text has tokens from 1
// on and fills half to all of the length; token 0 starts and pads it. InvalidArgument: N is not a
// number of at least 1, there are other sources, or num_classes is unset without tokens.
absl::StatusOr<std::unique_ptr<ClipSource>> OpenSyntheticSource(const LoaderOptions& options);

// The class names "0", "1", ... of a synthetic source.
std::vector<std::string> SyntheticClasses(int64_t num_classes);

}  // namespace slimreel

#endif  // DATA_LOADING_SYNTHETIC_SOURCE_H_
