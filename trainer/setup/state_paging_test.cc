#include "trainer/setup/state_paging.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/config_override.h"
#include "models/factory/factory.h"

namespace slimreel {
namespace {

Config ConfigOf(const std::vector<ConfigOverride>& settings) {
  return LoadConfig("", settings).value();
}

std::unique_ptr<Model> NanoModel() {
  ModelSpec spec;
  spec.name = "video_vit_nano";
  spec.num_classes = 5;
  spec.num_frames = 8;
  spec.height = spec.width = 32;
  return BuildModel(spec).value();
}

int64_t BytesOf(const Model& model) {
  int64_t bytes = 0;
  for (const NamedTensor& named : Parameters(model)) bytes += named.tensor.nbytes();
  return bytes;
}

TEST(StatePagingTest, OnTheCpuOnlyAHostBudgetLetsPlansUseHostMemory) {
  EXPECT_EQ(HostBytesForPlans(ConfigOf({}), at::kCPU), 0);
  EXPECT_EQ(HostBytesForPlans(ConfigOf({{"memory.host_budget", "64MiB"}}), at::kCPU), 64 << 20);
  EXPECT_EQ(HostBytesForPlans(ConfigOf({{"memory.host_budget", "64MiB"},
                                        {"memory.allow", "[checkpointing, lean, split]"}}),
                              at::kCPU),
            0);
}

TEST(StatePagingTest, TheStateBeginsOnTheHostIfItPressesAndFitsThere) {
  const auto model = NanoModel();
  const int64_t weights = BytesOf(*model);  // AdamW's state takes twice as much
  RunRequest request;
  const auto begins = [&](const std::string& host_budget) {
    return StateBeginsOnHost(ConfigOf({{"memory.host_budget", host_budget}}), request, *model);
  };
  request.ceiling.bytes = 5 * weights;
  EXPECT_TRUE(begins("1GiB"));
  EXPECT_FALSE(begins(std::to_string(2 * weights - 1))) << "it does not fit there";
  EXPECT_FALSE(begins("none"));
  request.ceiling.bytes = 100 * weights;
  EXPECT_FALSE(begins("1GiB")) << "nothing presses";
}

TEST(StatePagingTest, ACheckpointsPlanKeepsTheStateOnTheHostWhileItFits) {
  const auto model = NanoModel();
  RunRequest request;
  request.ceiling.bytes = 100 * BytesOf(*model);
  request.start.emplace().state.page_optimizer = true;
  EXPECT_TRUE(StateBeginsOnHost(ConfigOf({{"memory.host_budget", "1GiB"}}), request, *model));
  EXPECT_FALSE(StateBeginsOnHost(ConfigOf({{"memory.host_budget", "1MiB"}}), request, *model));
  EXPECT_FALSE(StateBeginsOnHost(ConfigOf({}), request, *model));
}

TEST(StatePagingTest, ALinkThatCannotBeMeasuredIsNotFree) {
  HostPool full(/*budget_bytes=*/64);
  EXPECT_GT(MeasureLink(full, at::kCPU), 0.0);
  HostPool open;
  EXPECT_GT(MeasureLink(open, at::kCPU), 0.0);
  EXPECT_EQ(open.live_bytes(), 0);
}

}  // namespace
}  // namespace slimreel
