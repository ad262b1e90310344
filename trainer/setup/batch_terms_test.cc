#include "trainer/setup/batch_terms.h"

#include <optional>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

struct BatchKeys {
  int64_t batch_size = 8;
  int64_t accumulate_grad_batches = 1;
  std::optional<int64_t> effective_batch_size = std::nullopt;
  NormGroup norm_group{};
};

Config With(const BatchKeys& keys) {
  Config config;
  config.data.batch_size = keys.batch_size;
  config.train.accumulate_grad_batches = keys.accumulate_grad_batches;
  config.train.effective_batch_size = keys.effective_batch_size;
  config.model.norm_group = keys.norm_group;
  return config;
}

absl::StatusOr<BatchTerms> TermsOf(const BatchKeys& keys, bool has_batch_norm = false) {
  return MakeBatchTerms(With(keys), has_batch_norm);
}

absl::StatusOr<BatchTerms> NormTermsOf(const BatchKeys& keys) {
  return TermsOf(keys, /*has_batch_norm=*/true);
}

TEST(BatchTermsTest, EffectiveBatchIsMicroTimesAccumulationUnlessItIsSet) {
  EXPECT_EQ(TermsOf({.batch_size = 4, .accumulate_grad_batches = 3})->effective_batch, 12);
  const auto set =
      TermsOf({.batch_size = 4, .accumulate_grad_batches = 3, .effective_batch_size = 16});
  EXPECT_EQ(set->effective_batch, 16);
  EXPECT_EQ(set->micro_batch, 4);
  EXPECT_EQ(TermsOf({.batch_size = 8, .effective_batch_size = 2})->micro_batch, 2);
}

TEST(BatchTermsTest, AModelWithoutBatchNormMayBeSplitDownToOne) {
  const auto terms = TermsOf({.batch_size = 8});
  EXPECT_EQ(terms->min_micro_batch, 0);
}

TEST(BatchTermsTest, GroupMicroBatchForbidsSplittingBelowTheConfiguredMicroBatch) {
  const auto terms = NormTermsOf({.batch_size = 8});
  EXPECT_EQ(terms->min_micro_batch, 8);
  EXPECT_EQ(terms->norm_group, 8);
}

TEST(BatchTermsTest, ANumberIsTheSmallestSplitAndMustDivideTheMicroBatch) {
  BatchKeys request{
      .batch_size = 8, .accumulate_grad_batches = 2, .norm_group = {NormGroup::Kind::kSize, 2}};
  EXPECT_EQ(NormTermsOf(request)->min_micro_batch, 2);
  EXPECT_EQ(NormTermsOf(request)->norm_group, 2);
  request.norm_group.size = 3;
  EXPECT_FALSE(NormTermsOf(request).ok());
  request.accumulate_grad_batches = 1;
  EXPECT_TRUE(NormTermsOf(request).ok());
}

TEST(BatchTermsTest, GlobalStatisticsForbidEverySplit) {
  BatchKeys request{
      .batch_size = 8, .accumulate_grad_batches = 2, .norm_group = {NormGroup::Kind::kGlobal, 0}};
  const absl::Status split = NormTermsOf(request).status();
  EXPECT_NE(split.message().find("set it to 16"), std::string::npos) << split;
  request.batch_size = 16;
  request.accumulate_grad_batches = 1;
  EXPECT_EQ(NormTermsOf(request)->norm_group, 16);
  EXPECT_EQ(NormTermsOf(request)->min_micro_batch, 16);
}

TEST(SmallestNormGroupTest, IsTheShortGroupOfTheShortStepIfThatIsReached) {
  const BatchTerms terms{.effective_batch = 8, .micro_batch = 4, .norm_group = 4};
  EXPECT_EQ(SmallestNormGroup(terms, 16, 0, 100), 4);
  EXPECT_EQ(SmallestNormGroup(terms, 17, 0, 100), 1);
  EXPECT_EQ(SmallestNormGroup(terms, 22, 0, 100), 2);
  EXPECT_EQ(SmallestNormGroup(terms, 20, 0, 100), 4);
  // The run ends before the epoch does, or is past the short step.
  EXPECT_EQ(SmallestNormGroup(terms, 17, 0, 2), 4);
  EXPECT_EQ(SmallestNormGroup(terms, 17, 8, 1), 4);
  EXPECT_EQ(SmallestNormGroup(terms, 17, 8, 2), 1);
  EXPECT_EQ(SmallestNormGroup(terms, 17, 16, 1), 1);
  // Resumed from steps of another size: this epoch's rest and the next epoch end differently.
  EXPECT_EQ(SmallestNormGroup(terms, 17, 3, 2), 2);
  EXPECT_EQ(SmallestNormGroup(terms, 17, 3, 4), 2);
  EXPECT_EQ(SmallestNormGroup(terms, 17, 3, 5), 1);
  EXPECT_EQ(SmallestNormGroup(terms, 16, 3, 4), 1);
}

TEST(SmallestNormGroupTest, MayBeSmallInEveryStep) {
  // The effective batch is no multiple of the group: allowed while it is not split.
  EXPECT_EQ(SmallestNormGroup({.effective_batch = 9, .norm_group = 4}, 90, 0, 1), 1);
  EXPECT_EQ(SmallestNormGroup({.effective_batch = 1, .norm_group = 1}, 10, 0, 1), 1);
  EXPECT_EQ(SmallestNormGroup({.effective_batch = 64, .norm_group = 64}, 3, 0, 1), 3);
}

TEST(SmallestNormGroupTest, IsNoneWithoutStatisticsOrSteps) {
  EXPECT_EQ(SmallestNormGroup({.effective_batch = 8}, 17, 0, 100), 0);
  EXPECT_EQ(SmallestNormGroup({.effective_batch = 8, .norm_group = 8}, 17, 0, 0), 0);
}

TEST(BatchTermsTest, FrozenStatisticsAllowEverySplit) {
  const auto terms = NormTermsOf({.batch_size = 8, .norm_group = {NormGroup::Kind::kFrozen, 0}});
  EXPECT_TRUE(terms->norm_frozen);
  EXPECT_EQ(terms->min_micro_batch, 0);
}

TEST(BatchTermsTest, APlanMadeUnderOtherTermsIsFittedToWholeGroupsAndTheEffectiveBatch) {
  const BatchTerms grouped = *NormTermsOf({.batch_size = 8, .accumulate_grad_batches = 2});
  EXPECT_EQ(FitMicroBatch(4, grouped), 8) << "less than a group";
  EXPECT_EQ(FitMicroBatch(8, grouped), 8);
  EXPECT_EQ(FitMicroBatch(12, grouped), 8) << "a group and a half";
  EXPECT_EQ(FitMicroBatch(64, grouped), 16) << "more than there is";
  const BatchTerms free = *TermsOf({.batch_size = 8});
  for (int64_t micro_batch = 1; micro_batch <= 8; ++micro_batch) {
    EXPECT_EQ(FitMicroBatch(micro_batch, free), micro_batch);
  }
  EXPECT_EQ(FitMicroBatch(9, free), 8);
  // The whole effective batch need not be whole groups: an unchanged run stays as it is.
  const BatchTerms whole =
      *NormTermsOf({.batch_size = 10, .norm_group = {NormGroup::Kind::kSize, 4}});
  EXPECT_EQ(FitMicroBatch(10, whole), 10);
  EXPECT_EQ(FitMicroBatch(9, whole), 8);
}

}  // namespace
}  // namespace slimreel
