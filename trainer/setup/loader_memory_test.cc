#include "trainer/setup/loader_memory.h"

#include <utility>

#include "base/exit_code.h"
#include "data/loading/batch_layout.h"
#include "gtest/gtest.h"

namespace slimreel {
namespace {

constexpr int64_t kClip = 3 * 16 * 112 * 112;  // bytes

struct Loaders {
  LoaderOptions train;
  LoaderOptions val;
  std::vector<LoaderOptions*> both() { return {&train, &val}; }
};

Loaders Two() {
  Loaders loaders;
  loaders.train.batch_size = 8;
  loaders.val.batch_size = 4;
  loaders.val.split = "val";
  return loaders;
}

int64_t BufferBytes(const LoaderOptions& loader) {
  return (loader.prefetch_batches + 1) * loader.batch_size * kClip;
}

Config WithHostBudget(int64_t bytes) {
  Config config;
  config.memory.host_budget = ByteSpec{.bytes = bytes};
  return config;
}

TEST(LoaderMemoryTest, AutoLeavesTheStepItsCores) {
  Loaders loaders = Two();
  const auto record = SizeLoaders({}, {.cores = 6, .step_threads = 3}, loaders.both());
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(loaders.train.num_workers, 3);
  EXPECT_EQ(record->num_workers, 3);
  EXPECT_EQ(record->host_budget_bytes, 0);
}

TEST(LoaderMemoryTest, AnEvaluationsBatchIsHalvedIntoWhatTheBudgetLeaves) {
  for (const auto& [free_clips, expected] : {std::pair<int64_t, int64_t>{256, 256},
                                             {255, 128},
                                             {127, 64},
                                             {3, 2},
                                             {1, 1},
                                             {0, 1},
                                             {-5, 1}}) {
    LoaderOptions val;
    val.batch_size = 256;
    FitEvaluationBatch(free_clips * kClip, "memory.budget", &val);
    EXPECT_EQ(val.batch_size, expected) << free_clips;
  }
}

TEST(LoaderMemoryTest, WhatTheUserGaveStandsWithoutAHostBudget) {
  Loaders loaders = Two();
  Config config;
  config.dataloader.num_workers = 7;
  config.dataloader.prefetch_factor = 2;
  ASSERT_TRUE(SizeLoaders(config, {}, loaders.both()).ok());
  EXPECT_EQ(loaders.train.num_workers, 7);
  EXPECT_EQ(loaders.train.prefetch_batches, 14);
}

TEST(LoaderMemoryTest, BuffersOfBothLoadersStayUnderTheHostBudget) {
  for (int64_t clips = 12; clips < 100; clips += 3) {
    Loaders loaders = Two();
    Config config = WithHostBudget(clips * kClip);
    config.dataloader.num_workers = 4;
    const auto record = SizeLoaders(config, {}, loaders.both());
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_LE(BufferBytes(loaders.train) + BufferBytes(loaders.val), clips * kClip);
    EXPECT_EQ(record->host_budget_bytes, clips * kClip);
    EXPECT_LE(loaders.train.queue_budget_bytes, clips * kClip);
  }
}

TEST(LoaderMemoryTest, LessThanOneBatchOfEachIsNothingFitsAndSaysHowMuchIsNeeded) {
  Loaders loaders = Two();
  const absl::Status status =
      SizeLoaders(WithHostBudget(12 * kClip - 1), {}, loaders.both()).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits);
  EXPECT_NE(status.message().find("memory.host_budget"), absl::string_view::npos) << status;
}

TEST(LoaderMemoryTest, PageLockedCopiesCountAsATenRoundsThem) {
  LoaderOptions loader;
  loader.batch_size = 5;                                          // clips of 3,010,560 bytes: 4 MiB
  loader.keypoints = {.persons = 2, .frames = 10, .joints = 17};  // 20,400 bytes: 32 KiB
  EXPECT_EQ(PageLockedBytesOf(loader, 5), (4 << 20) + (32 << 10));
  EXPECT_EQ(PageLockedBytesOf(loader, 0), 2) << "a power of two is at least one";
  Config config;
  config.dataloader.num_workers = 0;
  ASSERT_TRUE(SizeLoaders(config, {.accelerator = true}, {&loader}).ok());
  const int64_t buffer = BatchLayoutOf(loader, 5).bytes;
  EXPECT_EQ(NeedsOf({&loader}).buffer_bytes, buffer + 2 * ((4 << 20) + (32 << 10)));
  EXPECT_EQ(NeedsOf({&loader}).threads, 0);
  // A byte less than one batch with its two copies does not fit.
  config = WithHostBudget(NeedsOf({&loader}).buffer_bytes - 1);
  EXPECT_EQ(ExitCodeOf(SizeLoaders(config, {.accelerator = true}, {&loader}).status()),
            ExitCode::kNothingFits);
}

TEST(LoaderMemoryTest, PagesAreLockedOnlyForAnAccelerator) {
  Loaders loaders = Two();
  Config config;
  config.dataloader.pin_memory = true;
  ASSERT_TRUE(SizeLoaders(config, {}, loaders.both()).ok());
  EXPECT_FALSE(loaders.train.pin_memory);
  config.dataloader.pin_memory.reset();
  ASSERT_TRUE(SizeLoaders(config, {.accelerator = true}, loaders.both()).ok());
  EXPECT_TRUE(loaders.train.pin_memory);
  config.dataloader.pin_memory = false;
  ASSERT_TRUE(SizeLoaders(config, {.accelerator = true}, loaders.both()).ok());
  EXPECT_FALSE(loaders.val.pin_memory);
}

}  // namespace
}  // namespace slimreel
