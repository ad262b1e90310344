#include "memory/policy/tighten.h"

#include <algorithm>
#include <utility>

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
  if (!limits.allow.checkpointing) {
    absl::StrAppend(&text,
                    " Checkpointing was not tried: memory.allow or "
                    "model.use_gradient_checkpointing forbids it.");
  }
  if (!limits.allow.split) {
    absl::StrAppend(&text, " Smaller micro-batches were not tried: memory.allow has no split.");
  } else if (limits.norm_group > 1) {
    absl::StrAppend(&text, " Micro-batches below ", limits.norm_group,
                    " samples were not tried: BatchNorm takes its statistics over them "
                    "(model.norm_group).");
  }
  return text;
}

// The last plan is the tightest, so every plan needs at least what the last one needed.
std::string MoreMemory(const std::vector<TriedPlan>& tried, const Ceiling& ceiling) {
  std::vector<std::string> facts;
  if (ceiling.bytes <= 0) facts.push_back("the system refused");
  const int64_t needed = tried.empty() ? 0 : tried.back().needed_bytes;
  if (needed > 0) {
    // The refusal ended the step, so the rest of the step is unknown.
    facts.push_back(absl::StrCat(FormatBytes(needed), " was needed when the last plan failed"));
    facts.push_back("the whole step needs more");
  }
  std::string text =
      ceiling.bytes > 0 ? RaiseCeilingRemedy(ceiling.origin) : "more free memory on the device";
  if (!facts.empty()) absl::StrAppend(&text, " (", absl::StrJoin(facts, "; "), ")");
  return text;
}

std::vector<std::string> Remedies(const std::vector<TriedPlan>& tried, const TightenLimits& limits,
                                  const Ceiling& ceiling) {
  std::vector<std::string> remedies = {MoreMemory(tried, ceiling)};
  if (!limits.allow.checkpointing) {
    remedies.push_back(
        "permitting checkpointing (memory.allow with checkpointing, "
        "model.use_gradient_checkpointing=auto, memory.schedule=auto)");
  }
  if (!limits.allow.split) {
    remedies.push_back("permitting smaller micro-batches (memory.allow with split)");
  }
  if (limits.norm_group > 1) {
    remedies.push_back(
        "smaller normalisation groups (model.norm_group: a smaller number, or "
        "frozen), which change what is learnt");
  }
  remedies.push_back("fewer or smaller frames (data.num_frames, data.img_size)");
  remedies.push_back("half precision, if it is not set yet (trainer.precision=bf16)");
  remedies.push_back("or a smaller model.name");
  return remedies;
}

}  // namespace

std::optional<Plan> Tighten(const Plan& plan, const TightenLimits& limits) {
  Plan next = plan;
  if (limits.allow.checkpointing) {
    next.schedule =
        MakeSchedule(std::vector<StageMode>(NumStages(plan.schedule) - 1, StageMode::kCheckpoint));
    if (next != plan) return next;
  }
  if (limits.allow.split) {
    next.micro_batch = HalfMicroBatch(plan.micro_batch, limits.norm_group);
    if (next.micro_batch == plan.micro_batch) return std::nullopt;
    next.release = false;  // several micro-batches need all gradients at once
    return next;
  }
  return std::nullopt;
}

std::optional<Plan> NextPlan(const Plan& plan, int64_t needed_bytes, const TightenLimits& limits,
                             std::vector<FallbackPlan>* fallbacks) {
  if (fallbacks->empty()) return Tighten(plan, limits);
  auto next = std::find_if(fallbacks->begin(), fallbacks->end(), [&](const FallbackPlan& fallback) {
    return needed_bytes == 0 || fallback.peak_bytes < needed_bytes;
  });
  // All of them need more: the refusal was not the ceiling's, which would not have let this one so
  // far. The next one is then as good as any.
  if (next == fallbacks->end()) next = fallbacks->begin();
  Plan taken = std::move(next->plan);
  fallbacks->erase(fallbacks->begin(), next + 1);
  return taken;
}

std::string DescribeTriedPlan(const TriedPlan& tried) {
  std::string text = DescribePlan(tried.plan);
  if (tried.needed_bytes > 0) {
    absl::StrAppend(&text, " (needs at least ", FormatBytes(tried.needed_bytes), ")");
  }
  return text;
}

std::string NoPlanFitsMessage(const std::vector<TriedPlan>& tried, const TightenLimits& limits,
                              const Ceiling& ceiling) {
  std::string text = absl::StrCat("Tried: ", tried.empty() ? "nothing" : JoinTried(tried), ".");
  if (ceiling.bytes > 0) {
    absl::StrAppend(&text, " The ceiling is ", DescribeCeiling(ceiling), ".");
  }
  absl::StrAppend(&text, WhyNoOther(limits));
  absl::StrAppend(&text, " What may fit: ", absl::StrJoin(Remedies(tried, limits, ceiling), ", "),
                  ".");
  return text;
}

}  // namespace slimreel
