#include "memory/policy/tighten.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "memory/policy/split.h"

namespace slimreel {

std::optional<Plan> Tighten(const Plan& plan, const TightenLimits& limits) {
  Plan next = plan;
  if (limits.allow_checkpointing) {
    std::fill(next.modes.begin(), next.modes.end(), StageMode::kCheckpoint);
    if (next != plan) return next;
  }
  if (limits.allow_split) {
    next.micro_batch = HalfMicroBatch(plan.micro_batch, limits.norm_group);
    if (next != plan) return next;
  }
  return std::nullopt;
}

std::string DescribePlan(const Plan& plan) {
  return absl::StrCat("micro-batch ", plan.micro_batch, ", schedule ",
                      plan.modes.empty() ? "keep" : FormatStageModes(plan.modes));
}

std::string DescribeTried(const std::vector<Plan>& tried, const TightenLimits& limits) {
  const std::string list = absl::StrJoin(tried, "; ", [](std::string* out, const Plan& plan) {
    absl::StrAppend(out, DescribePlan(plan));
  });
  std::string text = absl::StrCat("Tried: ", list.empty() ? "nothing" : list, ".");
  if (!limits.allow_checkpointing) {
    absl::StrAppend(&text,
                    " Checkpointing was not tried: memory.allow or "
                    "model.use_gradient_checkpointing forbids it.");
  }
  if (!limits.allow_split) {
    absl::StrAppend(&text, " Smaller micro-batches were not tried: memory.allow has no split.");
  } else if (limits.norm_group > 1) {
    absl::StrAppend(&text, " Micro-batches below ", limits.norm_group,
                    " samples were not tried: BatchNorm takes its statistics over them "
                    "(model.norm_group).");
  }
  absl::StrAppend(&text,
                  " A larger memory.budget, fewer or smaller frames (data.num_frames, "
                  "data.img_size) or a smaller model.name would fit.");
  return text;
}

}  // namespace slimreel
