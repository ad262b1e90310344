#include "data/pipeline/open_split.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/pipeline/shared_info.h"
#include "data/pipeline/split_id.h"

namespace slimreel {
namespace {

// A folder holds one division of a split: two divisions would hold every video twice.
absl::Status CheckDivision(const SplitId& id, bool replace_division) {
  if (replace_division) return absl::OkStatus();
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<SplitId> others, OtherDivisions(id));
  if (others.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(id.folder, ": its split ", id.split, " was prepared ",
                   DivisionName(others.front()), ", and not ", DivisionName(id),
                   "; both together would hold every video twice. Use another --output, or "
                   "--replace_division to replace it"));
}

}  // namespace

// Lists the inputs before it takes the lock that other splits wait for. So a mistake in the inputs
// is reported before a folder is made. Lists them again if another split has claimed or published
// something in the meantime.
absl::StatusOr<OpenedSplit> OpenSplit(const PrepareOptions& options) {
  const SplitId id{options.output, options.split, options.part, options.num_parts};
  OpenedSplit opened;
  SLIMREEL_ASSIGN_OR_RETURN(OtherSplits others, PublishedOtherSplits(id));
  for (;;) {
    SLIMREEL_ASSIGN_OR_RETURN(opened.inputs, CollectInputs(options, others));
    SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock,
                              LockDatasetInfo(id, options.interrupted));
    SLIMREEL_RETURN_IF_ERROR(CheckDivision(id, options.replace_division));
    if (opened.folder == nullptr) {
      SLIMREEL_ASSIGN_OR_RETURN(opened.folder, SplitFolder::Open(id));
    }
    SLIMREEL_ASSIGN_OR_RETURN(OtherSplits now, PublishedAndClaimedOtherSplits(id));
    if (now == others) {
      SLIMREEL_RETURN_IF_ERROR(ClaimSplit(opened.inputs.info, opened.folder.get()));
      return opened;
    }
    others = std::move(now);
  }
}

}  // namespace slimreel
