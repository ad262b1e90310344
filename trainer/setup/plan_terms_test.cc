#include "trainer/setup/plan_terms.h"

#include "gtest/gtest.h"

namespace slimreel {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

PlanTerms Terms() {
  return {.ceiling_bytes = 4 * kGiB, .num_stages = 6, .keys = PlanKeys(Config())};
}

using Lines = std::vector<std::string>;

TEST(PlanTermsTest, EveryMemoryKeyAndTheBatchSizeDecideAndNothingElse) {
  const auto keys = PlanKeys(Config());
  for (const char* key : {"memory.budget", "memory.schedule", "memory.allow", "memory.on_oom",
                          "data.batch_size", "model.use_gradient_checkpointing"}) {
    EXPECT_TRUE(keys.contains(key)) << key;
  }
  EXPECT_FALSE(keys.contains("train.lr"));
  EXPECT_FALSE(keys.contains("data.eval_batch_size"));
}

TEST(PlanTermsTest, WhatChangedIsNamed) {
  EXPECT_EQ(ChangedTerms(Terms(), Terms()), Lines());
  Config config;
  config.memory.schedule = "lean";
  config.data.batch_size = 2;
  PlanTerms now = Terms();
  now.keys = PlanKeys(config);
  now.num_stages = 4;
  EXPECT_EQ(ChangedTerms(Terms(), now),
            (Lines{"data.batch_size: 8 -> 2", "memory.schedule: auto -> lean",
                   "stages that learn: 6 -> 4"}));
}

// Checkpoints of earlier versions hold quotes around a list of words.
TEST(PlanTermsTest, QuotesAreNoChange) {
  Config config;
  config.memory.schedule = "keep,lean";
  PlanTerms now = Terms();
  now.keys = PlanKeys(config);
  PlanTerms before = now;
  before.keys["memory.schedule"] = "\"keep,lean\"";
  EXPECT_EQ(ChangedTerms(before, now), Lines());
  before.keys["memory.schedule"] = "\"keep,keep\"";
  EXPECT_EQ(ChangedTerms(before, now).size(), 1u);
}

TEST(PlanTermsTest, AMovedCeilingIsAChangeButNoiseIsNot) {
  PlanTerms now = Terms();
  now.ceiling_bytes = 2 * kGiB;
  EXPECT_EQ(ChangedTerms(Terms(), now), Lines{"memory ceiling: 4 GiB -> 2 GiB"});
  now.ceiling_bytes = 4 * kGiB + kGiB / 32;
  EXPECT_EQ(ChangedTerms(Terms(), now), Lines());
  EXPECT_EQ(ChangedTerms(now, Terms()), Lines());
}

TEST(PlanTermsTest, AnUnknownTermIsUnchanged) {
  EXPECT_EQ(ChangedTerms(PlanTerms(), Terms()), Lines());
  PlanTerms now = Terms();
  now.ceiling_bytes = 0;
  EXPECT_EQ(ChangedTerms(Terms(), now), Lines());
}

}  // namespace
}  // namespace slimreel
