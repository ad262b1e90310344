#include "memory/policy/tighten.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "memory/policy/split.h"

namespace slimreel {

namespace {

std::string JoinTried(const std::vector<TriedPlan>& tried) {
  return absl::StrJoin(tried, "; ", [](std::string* out, const TriedPlan& plan) {
    absl::StrAppend(out, DescribeTriedPlan(plan));
  });
}

std::string WhyNoOther(const TightenLimits& limits) {
  std::string text;
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
  return text;
}

}  // namespace

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

std::string DescribeTriedPlan(const TriedPlan& tried) {
  std::string text = DescribePlan(tried.plan);
  if (tried.needed_bytes > 0) {
    absl::StrAppend(&text, " (needs at least ", FormatBytes(tried.needed_bytes), ")");
  }
  return text;
}

std::string DescribeTried(const std::vector<TriedPlan>& tried, const TightenLimits& limits,
                          int64_t budget_bytes) {
  std::string text = absl::StrCat("Tried: ", tried.empty() ? "nothing" : JoinTried(tried), ".");
  if (budget_bytes > 0) {
    absl::StrAppend(&text, " The ceiling is ", FormatBytes(budget_bytes), ".");
  }
  absl::StrAppend(&text, WhyNoOther(limits));
  // The last plan is the tightest, so what it had come to need is what any of them needs.
  const int64_t needed = tried.empty() ? 0 : tried.back().needed_bytes;
  absl::StrAppend(&text, " What would fit: a larger memory.budget",
                  needed > 0 ? absl::StrCat(" (more than ", FormatBytes(needed), ")") : "",
                  ", fewer or smaller frames (data.num_frames, data.img_size), or a smaller "
                  "model.name.");
  return text;
}

}  // namespace slimreel
