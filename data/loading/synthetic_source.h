// "synthetic:N": N samples of the model's input size, noise and labels that are
// functions of (seed, sample). For benchmarks and tests: nothing is read from disk.
#ifndef DATA_LOADING_SYNTHETIC_SOURCE_H_
#define DATA_LOADING_SYNTHETIC_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "data/loading/clip_source.h"
#include "data/loading/loader_options.h"

namespace slimreel {

bool IsSyntheticSource(const std::string& source);

// Reads sources[0], the clip's size, seed and num_classes. InvalidArgument where N is no
// number from 1 on, num_classes is below 1, or another source stands beside it.
// ReadClip ignores frames and crop: a sample is exactly one clip.
absl::StatusOr<std::unique_ptr<ClipSource>> OpenSyntheticSource(const LoaderOptions& options);

}  // namespace slimreel

#endif  // DATA_LOADING_SYNTHETIC_SOURCE_H_
