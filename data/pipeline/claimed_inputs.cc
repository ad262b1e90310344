#include "data/pipeline/claimed_inputs.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/pipeline/shared_info.h"
#include "data/pipeline/split_id.h"

namespace slimreel {
namespace {

SplitId IdOf(const PrepareOptions& options) {
  return {options.output, options.split, options.part, options.num_parts};
}

// One folder holds one division of a split: two would hold every video twice.
absl::Status CheckDivision(const PrepareOptions& options) {
  if (options.replace_division) return absl::OkStatus();
  const SplitId id = IdOf(options);
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<SplitId> others, OtherDivisions(id));
  if (others.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(options.output, ": its split ", id.split, " was prepared ",
                   DivisionName(others.front()), ", and not ", DivisionName(id),
                   "; both together would hold every video twice. Use another --output, or "
                   "--replace_division to put this one in its place"));
}

}  // namespace

absl::Status CheckPrepareOptions(const PrepareOptions& options) {
  if (options.inputs.empty()) {
    return absl::InvalidArgumentError(
        "--input is missing: give folders, lists of `path label` lines or videos");
  }
  if (options.output.empty()) return absl::InvalidArgumentError("--output=DIR is missing");
  if (options.split != "train" && options.split != "val" && options.split != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split=", options.split, " is none of train, val, test"));
  }
  if (options.data.fps.has_value() || options.data.frame_codec != FrameCodec::kRaw) {
    return absl::UnimplementedError("data.fps and data.frame_codec=jpeg are not yet available");
  }
  if (!options.data.load_rgb.value_or(true) && !options.data.load_kpt.value_or(true)) {
    return absl::InvalidArgumentError(
        "data.load_rgb and data.load_kpt are both false: samples would hold nothing");
  }
  if (!options.data.load_rgb.value_or(true) && options.data.quality_threshold > 0) {
    return absl::InvalidArgumentError(
        "data.quality_threshold judges frames, which data.load_rgb=false does not look at");
  }
  return options.data.Validate();
}

// Lists the inputs without the lock, for which other splits wait: so mistakes in them are told
// before a folder is made. Lists them again where a look under the lock shows that another
// split has claimed or published something meanwhile.
absl::StatusOr<ClaimedInputs> ClaimInputs(const PrepareOptions& options) {
  const SplitId id = IdOf(options);
  ClaimedInputs claimed;
  SLIMREEL_ASSIGN_OR_RETURN(OtherSplits others, PublishedOtherSplits(id));
  for (;;) {
    SLIMREEL_ASSIGN_OR_RETURN(claimed.inputs, CollectInputs(options, others));
    SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock,
                              LockDatasetInfo(id, options.interrupted));
    SLIMREEL_RETURN_IF_ERROR(CheckDivision(options));
    if (claimed.folder == nullptr) {
      SLIMREEL_ASSIGN_OR_RETURN(claimed.folder, SplitFolder::Open(id));
    }
    SLIMREEL_ASSIGN_OR_RETURN(OtherSplits now, PublishedAndClaimedOtherSplits(id));
    if (now == others) {
      SLIMREEL_RETURN_IF_ERROR(ClaimSplit(claimed.inputs.info, claimed.folder.get()));
      return claimed;
    }
    others = std::move(now);
  }
}

}  // namespace slimreel
