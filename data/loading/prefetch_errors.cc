#include "data/loading/prefetch_errors.h"

#include <new>

#include "absl/strings/str_cat.h"
#include "base/logging.h"

namespace slimreel {

absl::Status BatchError(int64_t number, const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("loading batch ", number,
                     ": no host memory is left; lower memory.host_budget, "
                     "dataloader.num_workers or data.batch_size"));
  }
  return absl::InternalError(absl::StrCat("loading batch ", number, ": ", error.what()));
}

void WarnOfMissingThreads(int64_t started, int64_t wanted, const std::exception& error) {
  LOG_FIRST_N(WARNING, 1) << "loading: " << started << " of " << wanted << " threads started ("
                          << error.what()
                          << "); loading continues with these. Raise `ulimit -u`, or lower "
                             "dataloader.num_workers";
}

}  // namespace slimreel
