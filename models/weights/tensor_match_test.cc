#include "models/weights/tensor_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

WeightEntry Entry(const std::string& name, std::vector<int64_t> shape,
                  WeightType type = WeightType::kF32) {
  return {name, type, std::move(shape), 0, 0};
}

TEST(TensorMatchTest, NamesAreMatchedInTheFilesOrder) {
  const auto matching = MatchTensors({Entry("a", {2}), Entry("", {9}), Entry("b", {3})},
                                     {Entry("b", {3}), Entry("a", {2})}, {});
  ASSERT_TRUE(matching.fits()) << matching.Problems();
  ASSERT_EQ(matching.matches.size(), 2u);
  EXPECT_EQ(matching.matches[0].stored, 0u);
  EXPECT_EQ(matching.matches[0].target, 1u);
  EXPECT_EQ(matching.matches[1].stored, 2u);
}

TEST(TensorMatchTest, EachKindOfMisfitIsCountedAndTenAreShown) {
  std::vector<WeightEntry> targets, stored{Entry("extra", {1}), Entry("w", {2, 3}),
                                           Entry("h", {2}, WeightType::kF16), Entry("w", {1})};
  for (int i = 10; i < 22; ++i) targets.push_back(Entry("m" + std::to_string(i), {i}));
  targets.push_back(Entry("w", {2, 4}));
  targets.push_back(Entry("h", {2}));
  MatchRules rules;
  rules.same_type = true;
  const auto matching = MatchTensors(stored, targets, rules);
  EXPECT_FALSE(matching.fits());
  const std::string text = matching.Problems();
  for (const char* part :
       {"missing in the file: 12\n    m10 [10]", "m19 [19]\n    and 2 more",
        "surplus in the file: 2", "extra [1]", "w: the file has [2, 3], the model [2, 4]",
        "h: the file has F16, the model F32", "twice under one name: 1"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("m20")));
}

TEST(TensorMatchTest, IntegersAreNotWeightsAndCountersMayHaveAnyWidth) {
  for (const WeightType type : {WeightType::kI64, WeightType::kI32, WeightType::kI16,
                                WeightType::kI8, WeightType::kU8, WeightType::kBool}) {
    const auto weights = MatchTensors({Entry("w", {3}, type)}, {Entry("w", {3})}, {});
    EXPECT_THAT(weights.Problems(), HasSubstr("of another dtype: 1\n    w: the file has "));
    const WeightEntry counter = Entry("num_batches_tracked", {}, WeightType::kI64);
    EXPECT_TRUE(MatchTensors({Entry(counter.name, {}, type)}, {counter}, {}).fits());
  }
  for (const WeightType type :
       {WeightType::kF64, WeightType::kF32, WeightType::kF16, WeightType::kBF16}) {
    EXPECT_TRUE(MatchTensors({Entry("w", {3}, type)}, {Entry("w", {3})}, {}).fits());
  }
}

TEST(TensorMatchTest, AHeadMayBeMissingOrDifferOnlyInItsClasses) {
  MatchRules rules;
  rules.head = {"fc.weight", "fc.bias"};
  const std::vector<WeightEntry> targets{Entry("w", {3}), Entry("fc.weight", {7, 4}),
                                         Entry("fc.bias", {7})};
  const auto classes = MatchTensors(
      {Entry("w", {3}), Entry("fc.weight", {5, 4}), Entry("fc.bias", {5})}, targets, rules);
  EXPECT_TRUE(classes.fits());
  EXPECT_THAT(classes.new_head, ElementsAre("fc.weight", "fc.bias"));
  EXPECT_EQ(classes.matches.size(), 1u);
  EXPECT_TRUE(MatchTensors({Entry("w", {3})}, targets, rules).fits());
  const auto features = MatchTensors(
      {Entry("w", {3}), Entry("fc.weight", {7, 8}), Entry("fc.bias", {7})}, targets, rules);
  EXPECT_THAT(features.Problems(), HasSubstr("fc.weight: the file has [7, 8], the model [7, 4]"));
}

TEST(TensorMatchTest, KernelsAreInflatedAndWidenedOnlyIfTheRulesSaySo) {
  const std::vector<WeightEntry> stored{Entry("flat", {8, 4, 3, 3}),
                                        Entry("narrow", {8, 4, 3, 1, 1})};
  const std::vector<WeightEntry> targets{Entry("flat", {8, 4, 5, 3, 3}),
                                         Entry("narrow", {8, 6, 3, 1, 1})};
  EXPECT_EQ(MatchTensors(stored, targets, {}).wrong_shape.size(), 2u);
  MatchRules rules;
  rules.inflate = true;
  rules.widen = {{"narrow", 2}};
  const auto matching = MatchTensors(stored, targets, rules);
  ASSERT_TRUE(matching.fits()) << matching.Problems();
  EXPECT_TRUE(matching.matches[0].fit.inflated && !matching.matches[0].fit.widened);
  EXPECT_TRUE(matching.matches[1].fit.widened && !matching.matches[1].fit.inflated);
  // These do not fit: a number of channels other than the rule's, another kernel, another
  // image size, and more channels in the file than in the model.
  const auto other = MatchTensors({Entry("narrow", {8, 5, 3, 1, 1})}, {targets[1]}, rules);
  EXPECT_THAT(other.Problems(),
              HasSubstr("narrow: the file has [8, 5, 3, 1, 1], the model [8, 6, 3, 1, 1]"));
  rules.widen = {{"other", 2}};
  EXPECT_FALSE(MatchTensors(stored, targets, rules).fits());
  rules.widen = {{"narrow", 2}};
  EXPECT_FALSE(MatchTensors({Entry("flat", {8, 4, 3, 1})}, {targets[0]}, rules).fits());
  EXPECT_FALSE(MatchTensors({Entry("narrow", {8, 7, 3, 1, 1})}, {targets[1]}, rules).fits());
}

TEST(TensorMatchTest, TensorsThatMayBeAbsentAreNotMissing) {
  MatchRules rules;
  rules.may_be_absent = [](const std::string& name) { return name == "counter"; };
  const auto matching = MatchTensors({}, {Entry("counter", {}), Entry("w", {1})}, rules);
  EXPECT_THAT(matching.absent, ElementsAre("counter"));
  EXPECT_THAT(matching.missing, ElementsAre("w [1]"));
}

}  // namespace
}  // namespace slimreel
