// Videos in, shards out: lists the inputs, decodes them and cuts them into chunks on worker
// threads, writes shards in the order of the inputs, and reuses the results of earlier
// preparations. See README.md.
//
// Threading: one call per folder and split at a time; a lock refuses a second one.
#ifndef DATA_PIPELINE_PREPARE_H_
#define DATA_PIPELINE_PREPARE_H_

#include "absl/status/statusor.h"
#include "data/pipeline/prepare_options.h"
#include "data/pipeline/prepare_result.h"

namespace slimreel {

// Errors: InvalidArgument and NotFound (the user's input), CANCELLED (interrupted; call again to
// continue), ResourceExhausted (disk full, memory, descriptors), PermissionDenied. If the input
// gives no sample: an error with exit code 3. After every error, complete shards and earlier
// results are still there.
absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_H_
