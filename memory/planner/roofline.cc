#include "memory/planner/roofline.h"

#include <algorithm>
#include <map>
#include <memory>

namespace slimreel {
namespace {

int64_t RoundUp(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

double AllocatedBytes(const OpTrace& trace) {
  double bytes = 0.0;
  for (const TraceEvent& event : trace.events) bytes += static_cast<double>(event.bytes);
  return bytes;
}

class StageOnDevice {
 public:
  StageOnDevice(const StageProfile& stage, const Roofline& roofline, int64_t block_bytes)
      : stage_(stage), roofline_(roofline), block_bytes_(block_bytes) {}

  StageProfile Make() const {
    StageProfile result = stage_;
    for (TracePair* pair : {&result.nograd, &result.keep, &result.lean}) {
      for (OpTrace& trace : *pair) Convert(1.0, trace);
    }
    for (TracePair* pair : {&result.backward_keep, &result.backward_lean}) {
      for (OpTrace& trace : *pair) Convert(2.0, trace);
    }
    return result;
  }

 private:
  void Convert(double times, OpTrace& trace) const {
    if (trace.events.empty()) return;
    const double moved =
        2.0 * AllocatedBytes(trace) + times * static_cast<double>(stage_.parameter_bytes);
    const double compute = times * static_cast<double>(stage_.forward_flops);
    trace.ms = std::max(
        {compute / roofline_.flops_per_ms, moved / roofline_.bytes_per_ms, roofline_.launch_ms});
    for (TraceEvent& event : trace.events) {
      if (event.bytes > 0) event.bytes = RoundUp(event.bytes, block_bytes_);
    }
  }

  const StageProfile& stage_;
  const Roofline& roofline_;
  int64_t block_bytes_;
};

}  // namespace

Roofline RooflineOf(double tflops, double bandwidth_gb_s) {
  Roofline roofline;
  roofline.flops_per_ms = kFlopsShare * tflops * 1e9;
  roofline.bytes_per_ms = kBandwidthShare * bandwidth_gb_s * 1e6;
  return roofline;
}

ChainProfile OnDevice(const ChainProfile& profile, const Roofline& roofline, int64_t block_bytes) {
  ChainProfile result = profile;
  std::map<const StageProfile*, std::shared_ptr<const StageProfile>> made;
  for (auto* stages : {&result.prefix, &result.stages, &result.releasing_stages}) {
    for (std::shared_ptr<const StageProfile>& stage : *stages) {
      auto& converted = made[stage.get()];
      if (converted == nullptr) {
        converted =
            std::make_shared<StageProfile>(StageOnDevice(*stage, roofline, block_bytes).Make());
      }
      stage = converted;
    }
  }
  for (int64_t& bytes : result.input_bytes) bytes = RoundUp(bytes, block_bytes);
  return result;
}

}  // namespace slimreel
