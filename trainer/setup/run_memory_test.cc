#include "trainer/setup/run_memory.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <map>

#include "data/loading/loader.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kAhead = 6;

LoaderOptions TrainingOptions() {
  LoaderOptions options;
  options.sources = {"synthetic:64"};
  options.height = options.width = 64;
  options.num_frames = 16;
  options.num_classes = 3;
  options.batch_size = 8;
  options.num_workers = 2;
  options.prefetch_batches = kAhead;
  return options;
}

std::map<std::string, CleanupCount> ByName(const MemoryStats& stats) {
  std::map<std::string, CleanupCount> counts;
  for (const CleanupCount& count : stats.by_cleanup) counts[count.name] = count;
  return counts;
}

TEST(RunMemoryTest, KeptBlocksAndBatchesAheadGoBackAndTheBatchesStayTheSame) {
  Config config;
  config.memory.enable_monitoring = false;
  RunData data;
  data.train = Loader::Open(TrainingOptions()).value();
  data.record.prefetch_batches = kAhead;
  const auto expected = Loader::Open(TrainingOptions()).value();
  const RunMemory memory = MakeRunMemory(config, {}, data, {});
  EXPECT_TRUE(at::equal(data.train->Next()->clips, expected->Next()->clips));
  { const at::Tensor dropped = at::empty({40 * kMiB}, at::kByte); }
  ASSERT_GE(ReadCpuMemory().reserved_bytes - ReadCpuMemory().live_bytes, 40 * kMiB);
  const int64_t freed = memory.manager->CleanUp();
  EXPECT_EQ(ReadCpuMemory().reserved_bytes, ReadCpuMemory().live_bytes);
  const std::map<std::string, CleanupCount> counts = ByName(memory.manager->GetStats());
  EXPECT_GE(counts.at("kept_blocks").freed_bytes, 40 * kMiB);
  EXPECT_GE(freed, counts.at("kept_blocks").freed_bytes + counts.at("prefetch").freed_bytes);
  EXPECT_EQ(counts.at("prefetch").runs, 1);
  EXPECT_EQ(counts.count("prefetch_val"), 0u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(at::equal(data.train->Next()->clips, expected->Next()->clips));
  }
  data.train->LimitPrefetch(1);
  EXPECT_LE(data.train->buffer_bytes(), 3 * 8 * 3 * 16 * 64 * 64);
}

TEST(RunMemoryTest, TheKeysDecideWhenStepsCleanUp) {
  Config config;
  config.memory.enable_monitoring = false;
  config.memory.force_cleanup_every = 2;
  RunData data;
  data.train = Loader::Open(TrainingOptions()).value();
  RunRequest request;
  request.ceiling = {.bytes = int64_t{1} << 50, .origin = "memory.budget"};
  const RunMemory memory = MakeRunMemory(config, request, data, {});
  for (int step = 0; step < 6; ++step) const AutoMemoryScope scope(memory.manager.get());
  EXPECT_EQ(ByName(memory.manager->GetStats()).at("heap").runs, 3);

  config.memory.force_cleanup_every = 0;
  config.memory.gpu_threshold = 1e-9;  // a few live bytes are above it
  const at::Tensor live = at::empty({4 * kMiB}, at::kByte);
  request.ceiling.bytes = int64_t{1} << 40;
  const RunMemory tight = MakeRunMemory(config, request, data, {});
  { const AutoMemoryScope scope(tight.manager.get()); }
  const MemoryStats stats = tight.manager->GetStats();
  EXPECT_EQ(ByName(stats).at("kept_blocks").runs, 1);
  EXPECT_EQ(ByName(stats).at("prefetch").runs, 0) << "of no use to the device";
  EXPECT_EQ(stats.warnings, 1);
}

TEST(RunMemoryTest, SavingsAreThoseOfSmallerPlansAndOfBatchesAhead) {
  PlanReport report;
  report.plan.micro_batch = 8;
  report.planned.emplace();
  report.planned->prediction = {.peak_bytes = 1000, .by_tag = {}, .step_ms = 100.0};
  const auto alternative = [](int64_t micro_batch, int64_t bytes, double ms) {
    PlanAlternative other;
    other.plan.micro_batch = micro_batch;
    other.prediction.peak_bytes = bytes;
    other.prediction.step_ms = ms;
    return other;
  };
  report.planned->alternatives = {alternative(8, 600, 120.0), alternative(4, 500, 130.0),
                                  alternative(8, 2000, 90.0), alternative(8, 900, 50.0)};
  LoaderRecord loader;
  loader.prefetch_batches = 3;
  const std::vector<PredictedSaving> savings = PredictSavings(report, loader, 400);
  ASSERT_EQ(savings.size(), 3u);
  EXPECT_EQ(savings[0].setting, "memory.budget=600");
  EXPECT_EQ(savings[0].device_bytes, 400);
  EXPECT_EQ(savings[0].price, "each step is predicted to take 20 % longer");
  EXPECT_EQ(savings[1].price, "up to rounding; each step is predicted to take 30 % longer");
  EXPECT_EQ(savings[2].setting, "dataloader.num_workers=0");
  EXPECT_EQ(savings[2].host_bytes, 300);
  EXPECT_TRUE(PredictSavings({}, {}, 400).empty());
}

}  // namespace
}  // namespace slimreel
