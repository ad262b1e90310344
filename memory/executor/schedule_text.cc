#include "memory/executor/schedule_text.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace slimreel {
namespace {

constexpr OpKind kKinds[] = {OpKind::kForwardKeep, OpKind::kForwardLean, OpKind::kForwardCheckpoint,
                             OpKind::kForwardNoGrad, OpKind::kBackward};

std::optional<OpKind> KindOf(absl::string_view name) {
  for (OpKind kind : kKinds) {
    if (name == OpName(kind)) return kind;
  }
  return std::nullopt;
}

absl::StatusOr<Op> ParseOp(absl::string_view text, const std::vector<std::string>& stages) {
  const size_t open = text.find('(');
  if (open == absl::string_view::npos || !absl::EndsWith(text, ")")) {
    return absl::InvalidArgumentError(
        absl::StrCat("schedule: \"", text, "\" is not an operation such as F_keep(STAGE)"));
  }
  const auto kind = KindOf(text.substr(0, open));
  const absl::string_view name = text.substr(open + 1, text.size() - open - 2);
  const auto stage = std::find(stages.begin(), stages.end(), name);
  if (!kind || stage == stages.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("schedule: \"", text, "\" names an unknown ", kind ? "stage" : "operation",
                     "; the model's stages are ", absl::StrJoin(stages, ", ")));
  }
  return Op{*kind, static_cast<int>(stage - stages.begin())};
}

}  // namespace

std::string FormatSchedule(const Schedule& schedule, const std::vector<std::string>& stages) {
  if (const auto modes = ModesOf(schedule)) return FormatStageModes(*modes);
  return absl::StrJoin(schedule, " ", [&](std::string* out, const Op& op) {
    absl::StrAppend(out, OpName(op.kind), "(", stages.at(op.stage), ")");
  });
}

absl::StatusOr<Schedule> ParseSchedule(const std::string& text,
                                       const std::vector<std::string>& stages) {
  const auto num_stages = static_cast<int>(stages.size());
  if (!absl::StrContains(text, "(")) {
    auto modes = ParseStageModes(text, num_stages - 1);
    if (!modes.ok()) return modes.status();
    return MakeSchedule(*modes);
  }
  Schedule schedule;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const absl::StatusOr<Op> op = ParseOp(word, stages);
    if (!op.ok()) return op.status();
    schedule.push_back(*op);
  }
  const absl::Status valid = ValidateSchedule(schedule, num_stages);
  if (!valid.ok()) return valid;
  return schedule;
}

std::string DescribeSchedule(const Schedule& schedule) {
  if (schedule.empty()) return "keep";
  if (const auto modes = ModesOf(schedule)) {
    const std::string words = FormatStageModes(*modes);
    if (!absl::StrContains(words, ",")) return words;
  }
  // A stage counts by its first visit; every later visit is a recompute.
  std::vector<bool> visited(NumStages(schedule));
  int keep = 0, lean = 0, checkpoint = 0, again = 0;
  for (const Op& op : schedule) {
    if (op.kind == OpKind::kBackward || op.stage + 1 == NumStages(schedule)) continue;
    if (visited[op.stage]) {
      ++again;
    } else if (op.kind == OpKind::kForwardKeep) {
      ++keep;
    } else if (op.kind == OpKind::kForwardLean) {
      ++lean;
    } else {
      ++checkpoint;
    }
    visited[op.stage] = true;
  }
  return absl::StrCat(keep, " stages kept, ", lean, " lean, ", checkpoint, " checkpointed (", again,
                      " forward passes run again)");
}

}  // namespace slimreel
