// Clips from mapped shards: one split of one or more shard folders. Samples and
// videos are numbered over the folders in their given order.
#ifndef DATA_LOADING_SHARD_SOURCE_H_
#define DATA_LOADING_SHARD_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/clip_source.h"
#include "data/loading/loader_options.h"

namespace slimreel {

// Opens options.split of the folders options.sources. Errors: those of ShardDataset::Open.
// InvalidArgument: the folders' classes differ, or a sample lacks frames or keypoints that the
// options ask for. DataLoss: a label has no class.
absl::StatusOr<std::unique_ptr<ClipSource>> OpenShardSource(const LoaderOptions& options);

// The classes of the first folder of options.sources. It reads only dataset.json if there is one,
// and else opens the folder. Errors as ShardDataset::Open.
absl::StatusOr<std::vector<std::string>> ReadShardClasses(const LoaderOptions& options);

}  // namespace slimreel

#endif  // DATA_LOADING_SHARD_SOURCE_H_
