#include "data/loading/prefetch_slots.h"

#include <gtest/gtest.h>

#include <set>

#include "base/counter_random.h"

namespace slimreel {
namespace {

using Slots = PrefetchSlots<int64_t>;

TEST(PrefetchSlotsTest, NumbersAreClaimedInOrderAndOnce) {
  Slots slots(3, -1);
  EXPECT_EQ(slots.Claim(), 0);
  EXPECT_EQ(slots.Claim(), 1);
  EXPECT_EQ(slots.Claim(), 2);
  EXPECT_EQ(slots.Claim(), std::nullopt);
  slots.Put(1, 10);
  EXPECT_FALSE(slots.NextIsMade());
  slots.Put(0, 20);
  ASSERT_TRUE(slots.NextIsMade());
  EXPECT_EQ(*slots.TakeNext(), 20);
  EXPECT_EQ(slots.Claim(), 3);
}

TEST(PrefetchSlotsTest, NothingAfterAFailureIsClaimedButWhatWasDroppedBeforeItIs) {
  Slots slots(4, -1);
  for (int64_t number = 0; number < 4; ++number) slots.Claim();
  slots.Put(2, absl::DataLossError("broken"));
  slots.Put(1, 1);
  slots.SetLimit(1);  // drops 1 and 2
  slots.Put(0, 0);
  EXPECT_EQ(*slots.TakeNext(), 0);
  EXPECT_EQ(slots.Claim(), 1);
  slots.Put(1, 1);
  EXPECT_EQ(*slots.TakeNext(), 1);
  slots.SetLimit(4);
  EXPECT_EQ(slots.Claim(), 2);
  EXPECT_EQ(slots.Claim(), std::nullopt);
}

// Random claims, puts, takes and limits, against sets of numbers.
TEST(PrefetchSlotsTest, UnderAnyTrafficItemsComeInOrderAndTheLimitHolds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    constexpr int64_t kItems = 60;
    Slots slots(5, kItems);
    std::set<int64_t> making;
    int64_t taken = 0, limit = 5;
    for (uint64_t turn = 0; taken < kItems; ++turn) {
      ASSERT_LT(turn, 100000u) << "no progress";
      const uint64_t draw = CounterBits({seed, turn});
      switch (draw % 4) {
        case 0: {
          const auto number = slots.Claim();
          if (!number) break;
          ASSERT_TRUE(making.insert(*number).second) << "claimed twice";
          ASSERT_LT(*number, taken + limit);
          ASSERT_LT(*number, kItems);
          break;
        }
        case 1:
          if (making.empty()) break;
          slots.Put(*making.rbegin(), *making.rbegin() * 7);
          making.erase(*making.rbegin());
          break;
        case 2:
          if (!slots.NextIsMade()) break;
          ASSERT_EQ(*slots.TakeNext(), taken * 7);
          ++taken;
          break;
        default:
          limit = 1 + static_cast<int64_t>(draw / 4 % 5);
          slots.SetLimit(limit);
      }
    }
    EXPECT_EQ(slots.Claim(), std::nullopt);
  }
}

}  // namespace
}  // namespace slimreel
