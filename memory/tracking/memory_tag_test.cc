#include "memory/tracking/memory_tag.h"

#include <ATen/Functions.h>
#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_phase.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

at::Tensor Bytes(int64_t bytes) { return at::empty({bytes}, at::kByte); }

at::Tensor TaggedBytes(int64_t bytes, MemoryTag tag) {
  const TagScope scope(tag);
  return Bytes(bytes);
}

int64_t Sum(const BytesByTag& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), int64_t{0});
}

class MemoryTagTest : public testing::Test {
 protected:
  void SetUp() override {
    SetCpuBudget(0);
    ReleaseKeptCpuBlocks();
    ResetCpuPeaks();
    before_ = ReadCpuMemory();
  }
  void TearDown() override { SetCpuBudget(0); }
  int64_t Live(MemoryTag tag) const {
    return At(ReadCpuMemory().live_by_tag, tag) - At(before_.live_by_tag, tag);
  }
  int64_t Peak(MemoryTag tag) const {
    return At(ReadCpuMemory().peak_by_tag, tag) - At(before_.live_by_tag, tag);
  }
  CpuMemoryReading before_;
};

TEST_F(MemoryTagTest, TheInnermostScopeHoldsAndEndsWithItsBlock) {
  EXPECT_EQ(CurrentMemoryTag(), MemoryTag::kOther);
  {
    const TagScope outer(MemoryTag::kActivations);
    {
      const TagScope inner(MemoryTag::kOptimizer);
      EXPECT_EQ(CurrentMemoryTag(), MemoryTag::kOptimizer);
    }
    EXPECT_EQ(CurrentMemoryTag(), MemoryTag::kActivations);
    MemoryTag elsewhere = MemoryTag::kInput;
    std::thread([&elsewhere] { elsewhere = CurrentMemoryTag(); }).join();
    EXPECT_EQ(elsewhere, MemoryTag::kOther) << "a scope belongs to its thread";
  }
  EXPECT_EQ(CurrentMemoryTag(), MemoryTag::kOther);
}

TEST_F(MemoryTagTest, NamesAreThoseOfTheRunFolder) {
  std::vector<std::string_view> names;
  for (const MemoryTag tag : kMemoryTagsInOrder) names.push_back(MemoryTagName(tag));
  EXPECT_EQ(names, (std::vector<std::string_view>{"parameters", "gradients", "optimizer",
                                                  "activations", "input", "other"}));
}

TEST_F(MemoryTagTest, ABlockIsFreedUnderTheTagOfItsAllocation) {
  at::Tensor small = TaggedBytes(100, MemoryTag::kParameters);
  at::Tensor large = TaggedBytes(3 * kMiB, MemoryTag::kOptimizer);
  EXPECT_EQ(Live(MemoryTag::kParameters), 100);
  EXPECT_EQ(Live(MemoryTag::kOptimizer), 3 * kMiB);
  {
    const TagScope other_tag(MemoryTag::kActivations);
    small.reset();
    std::thread([&large] { large.reset(); }).join();
  }
  EXPECT_EQ(ReadCpuMemory().live_by_tag, before_.live_by_tag);
}

TEST_F(MemoryTagTest, AChargeCountsAsInputUnlessItSaysOtherwise) {
  {
    CpuCharge batch(1000);
    const CpuCharge moved(std::move(batch));
    const CpuCharge arena(500, MemoryTag::kOptimizer);
    EXPECT_EQ(Live(MemoryTag::kInput), 1000);
    EXPECT_EQ(Live(MemoryTag::kOptimizer), 500);
  }
  EXPECT_EQ(ReadCpuMemory().live_by_tag, before_.live_by_tag);
}

TEST_F(MemoryTagTest, ARetaggedBlockMovesAsAWholeAndOnce) {
  for (const int64_t bytes : {int64_t{1000}, 2 * kMiB}) {
    at::Tensor gradient = TaggedBytes(bytes, MemoryTag::kActivations);
    RetagTensor(gradient.narrow(0, 10, 5), MemoryTag::kGradients);  // a view: the block counts
    RetagTensor(gradient, MemoryTag::kGradients);
    EXPECT_EQ(Live(MemoryTag::kActivations), 0);
    EXPECT_EQ(Live(MemoryTag::kGradients), bytes);
    gradient.reset();
    EXPECT_EQ(ReadCpuMemory().live_by_tag, before_.live_by_tag);
  }
}

TEST_F(MemoryTagTest, MemoryOfOthersIsNotRetagged) {
  std::vector<uint8_t> memory(1000, 7);
  RetagTensor(at::from_blob(memory.data() + 100, {800}, at::kByte), MemoryTag::kGradients);
  RetagTensor({}, MemoryTag::kGradients);
  RetagTensor(at::empty({0}), MemoryTag::kGradients);
  EXPECT_EQ(ReadCpuMemory().live_by_tag, before_.live_by_tag);
  EXPECT_EQ(memory, std::vector<uint8_t>(1000, 7));
}

TEST_F(MemoryTagTest, ThePeaksTagsAreThoseOfItsMoment) {
  const at::Tensor parameters = TaggedBytes(kMiB, MemoryTag::kParameters);
  { const at::Tensor activations = TaggedBytes(4 * kMiB, MemoryTag::kActivations); }
  // Less in all, but more of the optimizer than at the peak.
  const at::Tensor state = TaggedBytes(2 * kMiB, MemoryTag::kOptimizer);
  EXPECT_EQ(Peak(MemoryTag::kParameters), kMiB);
  EXPECT_EQ(Peak(MemoryTag::kActivations), 4 * kMiB);
  EXPECT_EQ(Peak(MemoryTag::kOptimizer), 0);
  EXPECT_EQ(Sum(ReadCpuMemory().peak_by_tag), ReadCpuMemory().peak_live_bytes);
  ResetCpuPeaks();
  EXPECT_EQ(ReadCpuMemory().peak_by_tag, ReadCpuMemory().live_by_tag);
  EXPECT_EQ(Peak(MemoryTag::kOptimizer), 2 * kMiB);
}

TEST_F(MemoryTagTest, EachPhaseHasItsPeakAndTheHighestIsThePeakOfAll) {
  EXPECT_EQ(CurrentMemoryPhase(), MemoryPhase::kSetup);
  ResetCpuPeaks();
  {
    const PhaseScope train(MemoryPhase::kTrain);
    TaggedBytes(4 * kMiB, MemoryTag::kActivations);
    {
      const PhaseScope save(MemoryPhase::kSave);
      TaggedBytes(kMiB, MemoryTag::kOther);
    }
    TaggedBytes(2 * kMiB, MemoryTag::kActivations);
  }
  EXPECT_EQ(CurrentMemoryPhase(), MemoryPhase::kSetup);
  const CpuMemoryReading reading = ReadCpuMemory();
  const PeakByPhase& peaks = reading.peak_by_phase;
  EXPECT_EQ(At(peaks, MemoryPhase::kSetup).bytes, before_.live_bytes);
  EXPECT_EQ(At(peaks, MemoryPhase::kTrain).bytes, before_.live_bytes + 4 * kMiB);
  EXPECT_EQ(At(peaks, MemoryPhase::kEvaluate), MemoryPeak());
  EXPECT_EQ(At(peaks, MemoryPhase::kSave).bytes, before_.live_bytes + kMiB);
  EXPECT_EQ(At(At(peaks, MemoryPhase::kSave).by_tag, MemoryTag::kOther) -
                At(before_.live_by_tag, MemoryTag::kOther),
            kMiB);
  EXPECT_EQ(reading.peak_live_bytes, At(peaks, MemoryPhase::kTrain).bytes);
  EXPECT_EQ(reading.peak_by_tag, At(peaks, MemoryPhase::kTrain).by_tag);
}

TEST_F(MemoryTagTest, ARefusedAllocationCountsUnderNoTag) {
  const TagScope scope(MemoryTag::kActivations);
  SetCpuBudget(before_.live_bytes + kMiB);
  EXPECT_THROW(Bytes(2 * kMiB), c10::OutOfMemoryError);
  SetCpuBudget(0);
  EXPECT_THROW(Bytes(int64_t{1} << 60), c10::OutOfMemoryError);
  const AllocationFault fault(0);
  EXPECT_THROW(Bytes(10), c10::OutOfMemoryError);
  EXPECT_EQ(ReadCpuMemory().live_by_tag, before_.live_by_tag);
}

// The reference: a list of what is held, summed after every operation.
TEST_F(MemoryTagTest, RandomTrafficCountsAsAListOfWhatIsHeld) {
  std::mt19937 random(1);
  std::vector<std::pair<at::Tensor, MemoryTag>> held(40, {Bytes(0), MemoryTag::kOther});
  int64_t peak = 0;
  BytesByTag at_peak{};
  for (int i = 0; i < 3000; ++i) {
    auto& [tensor, tag] = held[random() % held.size()];
    const auto next = static_cast<MemoryTag>(random() % kNumMemoryTags);
    if (random() % 4 == 0) {
      RetagTensor(tensor, next);
    } else {
      tensor = Bytes(0);
      tensor = TaggedBytes(1 + random() % (300 << 10), next);
    }
    tag = next;
    BytesByTag expected{};
    for (const auto& [kept, its] : held) At(expected, its) += static_cast<int64_t>(kept.nbytes());
    if (Sum(expected) > peak) {
      peak = Sum(expected);
      at_peak = expected;
    }
    for (const MemoryTag each : kMemoryTagsInOrder) {
      ASSERT_EQ(Live(each), At(expected, each)) << MemoryTagName(each) << " after " << i;
    }
  }
  for (const MemoryTag each : kMemoryTagsInOrder) EXPECT_EQ(Peak(each), At(at_peak, each));
  const DeviceMemoryReading device = ReadDeviceMemory(at::kCPU);
  EXPECT_EQ(device.live_by_tag, ReadCpuMemory().live_by_tag);
  EXPECT_EQ(device.peak_by_tag, ReadCpuMemory().peak_by_tag);
}

}  // namespace
}  // namespace slimreel
