// What the hand-over of micro-batches promises.
#include "trainer/inputs/micro_batch_feed.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {
namespace {

constexpr int64_t kFrameBytes = 3 * 4 * 8 * 8;  // of one sample
constexpr int64_t kPoseBytes = 2 * 4 * 17 * 3 * 4;

Model TwoStreams() {
  Model model;
  model.name = "tested";
  model.inputs = {{InputKind::kKeypoints, {}}, {InputKind::kFrames, {}}};
  return model;
}

// Every sample differs from the others.
Batch BatchOf(int64_t samples) {
  Batch batch;
  batch.clips = at::zeros({samples, 3, 4, 8, 8}, at::kByte);
  batch.keypoints = at::zeros({samples, 2, 4, 17, 3});
  batch.labels = at::arange(samples, at::kLong);
  for (int64_t i = 0; i < samples; ++i) {
    batch.clips.select(0, i).fill_(i + 1);
    batch.keypoints.select(0, i).fill_(-i);
  }
  return batch;
}

int64_t InputBytes() { return At(ReadCpuMemory().live_by_tag, MemoryTag::kInput); }

TEST(MicroBatchFeedTest, OnlyTheMicroBatchInHandIsCharged) {
  const Batch batch = BatchOf(5);
  const int64_t before = InputBytes();
  const int64_t live = ReadCpuMemory().live_bytes;
  ResetCpuScopePeak();
  std::vector<int64_t> charged;
  {
    MicroBatchFeed feed(TwoStreams(), batch, at::kCPU, SplitBatch(5, 2, 0));
    for (; !feed.AtEnd(); feed.Advance()) {
      charged.push_back(InputBytes() - before);
      const Tensors taken = feed.TakeInputs();
    }
    EXPECT_EQ(InputBytes(), before) << "at the end nothing is in hand";
  }
  const int64_t sample = kFrameBytes + kPoseBytes;
  EXPECT_EQ(charged, (std::vector<int64_t>{2 * sample, 2 * sample, sample}));
  EXPECT_EQ(ReadCpuMemory().scope_peak_bytes, live + 2 * sample) << "never two at once";
}

TEST(MicroBatchFeedTest, PartsComeInTheOrderOfPositionsAndAreReadInPlace) {
  const Batch batch = BatchOf(5);
  std::vector<int64_t> first;
  MicroBatchFeed feed(TwoStreams(), batch, at::kCPU, SplitBatch(5, 2, 0));
  for (; !feed.AtEnd(); feed.Advance()) {
    first.push_back(feed.first_position());
    const Tensors slots = feed.TakeInputs();
    ASSERT_EQ(slots.size(), 2u);
    const int64_t count = slots[0].size(0);
    EXPECT_TRUE(at::equal(slots[0], batch.keypoints.narrow(0, first.back(), count)));
    EXPECT_EQ(slots[1].data_ptr(), batch.clips.select(0, first.back()).data_ptr());
    EXPECT_TRUE(at::equal(feed.targets().at(0), batch.labels.narrow(0, first.back(), count)));
  }
  EXPECT_EQ(first, (std::vector<int64_t>{0, 2, 4}));
}

// The step is then tried again, cut in another way, from the same batch.
TEST(MicroBatchFeedTest, WithoutRoomForAPartNothingStaysChargedAndTheBatchIsWhole) {
  const Batch batch = BatchOf(4);
  const int64_t live = ReadCpuMemory().live_bytes;
  const int64_t sample = kFrameBytes + kPoseBytes;
  SetCpuBudget(live + 3 * sample);
  EXPECT_THROW(MicroBatchFeed(TwoStreams(), batch, at::kCPU, SplitBatch(4, 4, 0)),
               c10::OutOfMemoryError);
  EXPECT_EQ(ReadCpuMemory().live_bytes, live);
  int64_t parts = 0;
  for (MicroBatchFeed feed(TwoStreams(), batch, at::kCPU, SplitBatch(4, 2, 0)); !feed.AtEnd();
       feed.Advance()) {
    ++parts;
  }
  SetCpuBudget(0);
  EXPECT_EQ(parts, 2);
}

// A stand-in for an accelerator: it has no memory, but a copy is another tensor.
TEST(MicroBatchFeedTest, AnotherDeviceGetsACopyThatTheFeedDoesNotHold) {
  const Batch batch = BatchOf(4);
  const int64_t before = InputBytes();
  MicroBatchFeed feed(TwoStreams(), batch, at::kMeta, SplitBatch(4, 3, 0));
  EXPECT_EQ(InputBytes(), before) << "its bytes are counted where it is allocated";
  const Tensors slots = feed.TakeInputs();
  EXPECT_TRUE(slots.at(1).is_meta());
  EXPECT_EQ(slots[1].size(0), 3);
  EXPECT_EQ(slots[1].use_count(), 1u);
  EXPECT_TRUE(feed.targets().at(0).is_meta());
}

}  // namespace
}  // namespace slimreel
