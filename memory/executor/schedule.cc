#include "memory/executor/schedule.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "memory/executor/op_name.h"

namespace slimreel {
namespace {

absl::Status OpError(size_t position, const Op& op, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("schedule: operation ", position, ", ",
                                                 OpName(op.kind), "(", op.stage, "): ", what));
}

// Replays a schedule and tracks which values and graphs exist.
struct Replay {
  explicit Replay(int num_stages)
      : num_stages(num_stages),
        value(num_stages + 1),
        graph(num_stages),
        next_backward(num_stages - 1) {
    value[0] = true;
  }

  absl::Status Forward(size_t position, const Op& op) {
    if (!value[op.stage]) {
      return OpError(position, op, "the stage's input does not exist (dropped, or not made yet)");
    }
    if (op.stage > next_backward)
      return OpError(position, op, "the stage has gone backward already");
    if (op.kind == OpKind::kForwardKeep || op.kind == OpKind::kForwardLean) {
      if (graph[op.stage]) return OpError(position, op, "the stage's graph is already kept");
      graph[op.stage] = true;
    }
    if (op.kind != OpKind::kForwardCheckpoint) value[op.stage] = false;
    value[op.stage + 1] = true;
    return absl::OkStatus();
  }

  absl::Status Backward(size_t position, const Op& op) {
    if (op.stage != next_backward) {
      return OpError(position, op,
                     next_backward < 0
                         ? std::string("every stage has gone backward already")
                         : absl::StrCat("stage ", next_backward, " goes backward next"));
    }
    if (!graph[op.stage]) {
      return OpError(position, op,
                     "the stage's graph does not exist: no F_keep or F_lean came before");
    }
    graph[op.stage] = false;
    value[op.stage + 1] = false;
    --next_backward;
    return absl::OkStatus();
  }

  int num_stages;
  std::vector<bool> value;  // value[i]: the input tuple of stage i
  std::vector<bool> graph;  // graph[i]: what the backward of stage i needs
  int next_backward;        // the stage that goes backward next
};

absl::StatusOr<StageMode> ParseMode(absl::string_view word) {
  if (word == "keep") return StageMode::kKeep;
  if (word == "lean") return StageMode::kLean;
  if (word == "checkpoint") return StageMode::kCheckpoint;
  return absl::InvalidArgumentError(
      absl::StrCat("memory.schedule: \"", word,
                   "\" is not a stage mode; use keep, lean, checkpoint or every:N, or give one of "
                   "keep, lean and "
                   "checkpoint for each stage"));
}

const char* ModeWord(StageMode mode) {
  switch (mode) {
    case StageMode::kKeep:
      return "keep";
    case StageMode::kLean:
      return "lean";
    case StageMode::kCheckpoint:
      return "checkpoint";
  }
  return "?";
}

OpKind FirstForward(StageMode mode) {
  switch (mode) {
    case StageMode::kKeep:
      return OpKind::kForwardKeep;
    case StageMode::kLean:
      return OpKind::kForwardLean;
    case StageMode::kCheckpoint:
      break;
  }
  return OpKind::kForwardCheckpoint;
}

std::vector<StageMode> EveryNth(int n, int num_stages) {
  std::vector<StageMode> modes(num_stages, StageMode::kKeep);
  for (int i = n - 1; i < num_stages; i += n) modes[i] = StageMode::kCheckpoint;
  return modes;
}

}  // namespace

Schedule MakeSchedule(const std::vector<StageMode>& modes) {
  const int loss = static_cast<int>(modes.size());
  Schedule schedule;
  for (int i = 0; i < loss; ++i) {
    schedule.push_back({FirstForward(modes[i]), i});
  }
  schedule.push_back({OpKind::kForwardKeep, loss});
  schedule.push_back({OpKind::kBackward, loss});
  for (int i = loss - 1; i >= 0; --i) {
    if (modes[i] == StageMode::kCheckpoint) schedule.push_back({OpKind::kForwardKeep, i});
    schedule.push_back({OpKind::kBackward, i});
  }
  return schedule;
}

int NumStages(const Schedule& schedule) {
  int highest = -1;
  for (const Op& op : schedule) highest = std::max(highest, op.stage);
  return highest + 1;
}

std::optional<std::vector<StageMode>> ModesOf(const Schedule& schedule) {
  const int loss = NumStages(schedule) - 1;
  if (loss < 0) return std::nullopt;
  std::vector<StageMode> modes(loss, StageMode::kCheckpoint);
  // The first operation of a stage decides its mode.
  for (size_t n = schedule.size(); n-- > 0;) {
    const Op& op = schedule[n];
    if (op.stage >= loss) continue;
    modes[op.stage] = op.kind == OpKind::kForwardKeep   ? StageMode::kKeep
                      : op.kind == OpKind::kForwardLean ? StageMode::kLean
                                                        : StageMode::kCheckpoint;
  }
  if (MakeSchedule(modes) != schedule) return std::nullopt;
  return modes;
}

absl::Status ValidateSchedule(const Schedule& schedule, int num_stages) {
  Replay replay(num_stages);
  for (size_t position = 0; position < schedule.size(); ++position) {
    const Op& op = schedule[position];
    if (op.stage < 0 || op.stage >= num_stages) {
      return OpError(position, op, absl::StrCat("stages are 0 to ", num_stages - 1));
    }
    absl::Status status =
        op.kind == OpKind::kBackward ? replay.Backward(position, op) : replay.Forward(position, op);
    if (!status.ok()) return status;
  }
  if (replay.next_backward >= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("schedule: ends before stage ", replay.next_backward, " has gone backward"));
  }
  return absl::OkStatus();
}

std::vector<bool> OutputsRead(const Schedule& schedule) {
  // Walks from the end. read[i]: a later operation reads the current input of stage i.
  std::vector<bool> read(NumStages(schedule) + 1, false);
  std::vector<bool> result(schedule.size(), false);
  for (size_t position = schedule.size(); position-- > 0;) {
    const Op& op = schedule[position];
    if (op.kind == OpKind::kBackward) continue;
    result[position] = read[op.stage + 1];
    read[op.stage + 1] = false;
    read[op.stage] = true;
  }
  return result;
}

absl::StatusOr<std::vector<StageMode>> ParseStageModes(const std::string& words, int num_stages) {
  const std::vector<absl::string_view> list =
      absl::StrSplit(words, absl::ByAnyChar(", \t"), absl::SkipEmpty());
  absl::string_view first = list.empty() ? absl::string_view() : list[0];
  if (list.size() == 1 && absl::ConsumePrefix(&first, "every:")) {
    int n = 0;
    if (!absl::SimpleAtoi(first, &n) || n < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("memory.schedule: \"", words, "\": every:N needs a whole number N >= 1"));
    }
    return EveryNth(n, num_stages);
  }
  std::vector<StageMode> modes;
  for (absl::string_view word : list) {
    absl::StatusOr<StageMode> mode = ParseMode(word);
    if (!mode.ok()) return mode.status();
    modes.push_back(*mode);
  }
  if (modes.size() == 1) return std::vector<StageMode>(num_stages, modes[0]);
  if (static_cast<int>(modes.size()) != num_stages) {
    return absl::InvalidArgumentError(
        absl::StrCat("memory.schedule: ", modes.size(), " words for ", num_stages,
                     " stages; give one word per stage, or keep, lean, checkpoint or every:N"));
  }
  return modes;
}

std::string FormatStageModes(const std::vector<StageMode>& modes) {
  const int num_stages = static_cast<int>(modes.size());
  for (StageMode mode : {StageMode::kKeep, StageMode::kLean}) {
    if (modes == std::vector<StageMode>(num_stages, mode)) return ModeWord(mode);
  }
  for (int n = 1; n <= num_stages; ++n) {
    if (modes == EveryNth(n, num_stages)) return n == 1 ? "checkpoint" : absl::StrCat("every:", n);
  }
  return absl::StrJoin(
      modes, ",", [](std::string* out, StageMode mode) { absl::StrAppend(out, ModeWord(mode)); });
}

}  // namespace slimreel
