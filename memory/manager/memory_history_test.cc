#include "memory/manager/memory_history.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace slimreel {
namespace {

TEST(MemoryHistoryTest, HoldsTheNewestSamplesInOrder) {
  for (const size_t capacity : {0, 1, 2, 7}) {
    MemoryHistory history(capacity);
    for (size_t added = 0; added < 20; ++added) {
      const std::vector<MemorySample> samples = history.Samples();
      ASSERT_EQ(samples.size(), std::min(added, capacity));
      for (size_t i = 0; i < samples.size(); ++i) {
        const auto number = static_cast<int64_t>(added - samples.size() + i);
        EXPECT_EQ(samples[i].host_live_bytes, number);
      }
      history.Add({.host_live_bytes = static_cast<int64_t>(added)});
    }
  }
}

}  // namespace
}  // namespace slimreel
