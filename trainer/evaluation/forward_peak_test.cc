#include "trainer/evaluation/forward_peak.h"

#include <gtest/gtest.h>

#include "memory/executor/executor.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/planning/profile_batch.h"

namespace slimreel {
namespace {

std::unique_ptr<Model> Build(const std::string& name) {
  ModelSpec spec;
  spec.name = name;
  spec.num_classes = 5;
  spec.num_frames = 8;
  spec.height = spec.width = 32;
  return BuildModel(spec).value();
}

int64_t MeasuredPeak(const Model& model, int64_t clips) {
  const Tensors inputs = MakeProfileBatch(model, clips, at::kCPU).inputs;
  const int64_t held = ReadCpuMemory().live_bytes;
  ResetCpuPeaks();
  Executor::Forward(model.Chain(), StageContext(), inputs);
  return ReadCpuMemory().peak_live_bytes - held;
}

class ForwardPeakTest : public testing::TestWithParam<const char*> {};

TEST_P(ForwardPeakTest, EveryBatchIsPredictedToTheByte) {
  const std::unique_ptr<Model> model = Build(GetParam());
  ForwardPeak forward(*model, at::kCPU, std::nullopt);
  for (const int64_t clips : {1, 2, 3, 5, 8, 17}) {
    EXPECT_EQ(forward.Bytes(clips), MeasuredPeak(*model, clips)) << clips << " clips";
  }
}

TEST_P(ForwardPeakTest, MeasuringLeavesNothingAndARefusalForAMomentIsNoAnswer) {
  const std::unique_ptr<Model> model = Build(GetParam());
  const int64_t expected = MeasuredPeak(*model, 1);
  const int64_t live = ReadCpuMemory().live_bytes;
  const AllocationFault fault(3);
  ForwardPeak forward(*model, at::kCPU, std::nullopt);
  EXPECT_EQ(forward.Bytes(1), expected);
  EXPECT_TRUE(fault.thrown());
  EXPECT_EQ(ReadCpuMemory().live_bytes, live);
}

TEST_P(ForwardPeakTest, UnderABudgetThatIsTooSmallThereIsNoPrediction) {
  const std::unique_ptr<Model> model = Build(GetParam());
  ForwardPeak forward(*model, at::kCPU, std::nullopt);
  SetCpuBudget(ReadCpuMemory().live_bytes + 1000);
  EXPECT_EQ(forward.Bytes(4), std::nullopt);
  SetCpuBudget(0);
}

INSTANTIATE_TEST_SUITE_P(Models, ForwardPeakTest,
                         testing::Values("r3d_nano", "video_vit_nano", "posec3d_nano",
                                         "rgbposeconv3d_nano"),
                         [](const auto& info) { return info.param; });

TEST(ExtendTraceTest, BlocksLieOnALineAndOtherOrdersHaveNone) {
  AllocationTrace one, two;
  one.events = {{0, 100}, {1, 7}, {0, 0}, {1, 0}};
  two.events = {{0, 200}, {1, 7}, {0, 0}, {1, 0}};
  EXPECT_EQ(ExtendTrace(one, two, 10)->events,
            (std::vector<AllocationEvent>{{0, 1000}, {1, 7}, {0, 0}, {1, 0}}));
  EXPECT_EQ(ExtendTrace(one, two, 1)->events, one.events);
  AllocationTrace other = two;
  other.events[2].block = 1;
  other.events[3].block = 0;
  EXPECT_EQ(ExtendTrace(one, other, 10), std::nullopt);
  two.events.pop_back();
  EXPECT_EQ(ExtendTrace(one, two, 10), std::nullopt);
}

}  // namespace
}  // namespace slimreel
