// The sum of the dataset files that the parts of a divided preparation write
// (dataset-p03of16.json): one DatasetInfo of the whole folder.
#ifndef DATA_SHARD_SUM_PARTS_H_
#define DATA_SHARD_SUM_PARTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/shard/dataset_json.h"

namespace slimreel {

// Adds the counts of `part`, which was read from `path`, to `whole`. A part without classes has
// no labels and agrees with any classes. DataLoss: the classes, task or fingerprint differ from
// those of `whole`.
absl::Status AddPart(const std::string& path, const DatasetInfo& part, DatasetInfo* whole);

// Reads the dataset files `paths`, at least one, of the parts of one folder, and sums them. A
// split that some of the parts do not list is unfinished. Errors as AddPart and
// ReadDatasetInfoFile.
absl::StatusOr<DatasetInfo> SumParts(const std::vector<std::string>& paths);

}  // namespace slimreel

#endif  // DATA_SHARD_SUM_PARTS_H_
