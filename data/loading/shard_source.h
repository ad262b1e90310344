// Clips out of mapped shards: one split of one or several shard folders, whose
// samples and videos are numbered one folder after the other.
#ifndef DATA_LOADING_SHARD_SOURCE_H_
#define DATA_LOADING_SHARD_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/clip_source.h"
#include "data/loading/loader_options.h"

namespace slimreel {

// Reads options.sources and options.split. Errors: those of ShardDataset::Open;
// InvalidArgument where folders disagree on their classes, or a sample lacks frames or
// keypoints that are asked for; DataLoss where a label has no class.
absl::StatusOr<std::unique_ptr<ClipSource>> OpenShardSource(const LoaderOptions& options);

// The classes of the first of options.sources: dataset.json's where there is one. Else
// the errors of ShardDataset::Open, or none.
absl::StatusOr<std::vector<std::string>> ReadShardClasses(const LoaderOptions& options);

}  // namespace slimreel

#endif  // DATA_LOADING_SHARD_SOURCE_H_
