#include "memory/profile/chain_profile.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace slimreel {
namespace {

// A straight line through two sizes.
struct Line {
  int64_t smaller, larger, wanted;

  int64_t Bytes(int64_t at_smaller, int64_t at_larger) const {
    const double slope =
        static_cast<double>(at_larger - at_smaller) / static_cast<double>(larger - smaller);
    const double bytes =
        static_cast<double>(at_smaller) + slope * static_cast<double>(wanted - smaller);
    return std::max<int64_t>(std::min<int64_t>(1, at_smaller),
                             static_cast<int64_t>(std::ceil(bytes - 1e-6)));
  }
  double Ms(double at_smaller, double at_larger) const {
    const double slope = (at_larger - at_smaller) / static_cast<double>(larger - smaller);
    return std::max(0.0, at_smaller + slope * static_cast<double>(wanted - smaller));
  }
};

bool SameBlocks(const OpTrace& a, const OpTrace& b) {
  return a.outputs == b.outputs && a.saved == b.saved && a.seeded == b.seeded &&
         a.learnt == b.learnt;
}

bool Combine(const OpTrace& a, const OpTrace& b, const Line& line, OpTrace& result) {
  if (a.events.size() != b.events.size() || !SameBlocks(a, b)) return false;
  result = a;
  for (size_t n = 0; n < a.events.size(); ++n) {
    const TraceEvent& first = a.events[n];
    const TraceEvent& second = b.events[n];
    if (first.block != second.block || (first.bytes > 0) != (second.bytes > 0)) return false;
    if (first.bytes > 0) result.events[n].bytes = line.Bytes(first.bytes, second.bytes);
  }
  result.ms = line.Ms(a.ms, b.ms);
  return true;
}

// The backward pass of a later micro-batch, from that of the first: where `known_later` frees a
// block that `known_first` leaves behind as a gradient, the result frees it too. False if the two
// differ in anything else.
bool DeriveLater(const OpTrace& first, const OpTrace& known_first, const OpTrace& known_later,
                 OpTrace& later) {
  later = first;
  later.events.clear();
  later.learnt.clear();
  size_t next = 0;  // of first.events
  for (const TraceEvent& event : known_later.events) {
    const bool is_learnt =
        event.bytes == 0 && std::find(known_first.learnt.begin(), known_first.learnt.end(),
                                      event.block) != known_first.learnt.end();
    if (is_learnt) {
      later.events.push_back(event);
      continue;
    }
    if (next == first.events.size()) return false;
    const TraceEvent& own = first.events[next++];
    if (own.block != event.block || (own.bytes > 0) != (event.bytes > 0)) return false;
    later.events.push_back(own);
  }
  return next == first.events.size() && known_later.outputs == first.outputs;
}

// If the larger profile was not asked for later visits, they follow from the smaller one's.
bool Combine(const TracePair& a, const TracePair& b, const Line& line, TracePair& result) {
  if (!Combine(a[kFirst], b[kFirst], line, result[kFirst])) return false;
  if (b[kLater] == b[kFirst] && a[kLater] != a[kFirst]) {
    if (!DeriveLater(result[kFirst], a[kFirst], a[kLater], result[kLater])) {
      result[kLater] = result[kFirst];
    }
    return true;
  }
  return Combine(a[kLater], b[kLater], line, result[kLater]);
}

bool Combine(const StageProfile& a, const StageProfile& b, const Line& line, StageProfile& result) {
  result.has_lean = a.has_lean;
  result.forward_flops = line.Bytes(a.forward_flops, b.forward_flops);
  result.parameter_bytes = a.parameter_bytes;
  result.output_can_wait = a.output_can_wait;
  return a.has_lean == b.has_lean && Combine(a.nograd, b.nograd, line, result.nograd) &&
         Combine(a.keep, b.keep, line, result.keep) && Combine(a.lean, b.lean, line, result.lean) &&
         Combine(a.backward_keep, b.backward_keep, line, result.backward_keep) &&
         Combine(a.backward_lean, b.backward_lean, line, result.backward_lean);
}

// Every block but the gradients of parameters grows with the micro-batch.
void Grow(const OpTrace& from, double factor, OpTrace& trace) {
  trace.ms *= factor;
  for (TraceEvent& event : trace.events) {
    const bool is_learnt =
        std::find(from.learnt.begin(), from.learnt.end(), event.block) != from.learnt.end();
    if (event.bytes == 0 || is_learnt) continue;
    event.bytes = static_cast<int64_t>(std::ceil(static_cast<double>(event.bytes) * factor));
  }
}

StageProfile Grow(const StageProfile& stage, const Line& line) {
  const double factor = static_cast<double>(line.wanted) / static_cast<double>(line.larger);
  StageProfile result = stage;
  result.forward_flops = static_cast<int64_t>(static_cast<double>(stage.forward_flops) * factor);
  for (TracePair* pair :
       {&result.nograd, &result.keep, &result.lean, &result.backward_keep, &result.backward_lean}) {
    const OpTrace first = (*pair)[kFirst];
    for (OpTrace& trace : *pair) Grow(first, factor, trace);
  }
  return result;
}

using Stages = std::vector<std::shared_ptr<const StageProfile>>;

bool Combine(const Stages& a, const Stages& b, const Line& line, Stages& result) {
  if (a.size() != b.size()) return false;
  // Equal stages share one profile, and so do their results.
  std::map<std::pair<const StageProfile*, const StageProfile*>, std::shared_ptr<StageProfile>> made;
  for (size_t i = 0; i < a.size(); ++i) {
    std::shared_ptr<StageProfile>& stage = made[{a[i].get(), b[i].get()}];
    if (stage == nullptr) {
      stage = std::make_shared<StageProfile>();
      if (!Combine(*a[i], *b[i], line, *stage)) *stage = Grow(*b[i], line);
    }
    result.push_back(stage);
  }
  return true;
}

}  // namespace

const OpTrace& TraceOf(const StageProfile& stage, OpKind kind, int visit) {
  switch (kind) {
    case OpKind::kForwardKeep:
      return stage.keep[visit];
    case OpKind::kForwardLean:
      return stage.has_lean ? stage.lean[visit] : stage.keep[visit];
    case OpKind::kForwardCheckpoint:
    case OpKind::kForwardNoGrad:
      return stage.nograd[visit];
    case OpKind::kBackward:
      break;
  }
  return stage.backward_keep[visit];
}

std::optional<ChainProfile> Extrapolate(const ChainProfile& smaller, const ChainProfile& larger,
                                        int64_t micro_batch) {
  const Line line{smaller.micro_batch, larger.micro_batch, micro_batch};
  if (line.smaller == line.larger || smaller.input_bytes.size() != larger.input_bytes.size()) {
    return std::nullopt;
  }
  ChainProfile result;
  result.names = smaller.names;
  result.input_can_wait = smaller.input_can_wait;
  result.released_after = smaller.released_after;
  result.micro_batch = micro_batch;
  for (size_t n = 0; n < smaller.input_bytes.size(); ++n) {
    result.input_bytes.push_back(line.Bytes(smaller.input_bytes[n], larger.input_bytes[n]));
  }
  if (!Combine(smaller.prefix, larger.prefix, line, result.prefix) ||
      !Combine(smaller.stages, larger.stages, line, result.stages) ||
      !Combine(smaller.releasing_stages, larger.releasing_stages, line, result.releasing_stages)) {
    return std::nullopt;
  }
  return result;
}

}  // namespace slimreel
