#include "memory/manager/cleanup_registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace slimreel {
namespace {

class CleanupRegistryTest : public testing::Test {
 protected:
  CleanupHandle Add(const std::string& name, int cost, int64_t bytes, bool device = true,
                    bool host = true) {
    return registry_->Register({.name = name,
                                .cost = cost,
                                .free =
                                    [this, name, bytes] {
                                      ran_ += name;
                                      return bytes;
                                    },
                                .restore = [this, name] { restored_ += name; },
                                .frees_device = device,
                                .frees_host = host});
  }
  static bool Never() { return false; }

  std::string ran_;
  std::string restored_;
  std::shared_ptr<CleanupRegistry> registry_ = std::make_shared<CleanupRegistry>();
};

TEST_F(CleanupRegistryTest, CheaperOnesRunFirstAndEqualOnesInOrder) {
  const CleanupHandle c = Add("c", 30, 1), a = Add("a", 10, 2), d = Add("d", 30, 4),
                      b = Add("b", 20, 8);
  EXPECT_EQ(registry_->Run(true, true, Never), 15);
  EXPECT_EQ(ran_, "abcd");
}

TEST_F(CleanupRegistryTest, StopsAsSoonAsEnoughIsFree) {
  const CleanupHandle a = Add("a", 1, 1), b = Add("b", 2, 1), c = Add("c", 3, 1);
  EXPECT_EQ(registry_->Run(true, true, [this] { return ran_.size() == 2; }), 2);
  EXPECT_EQ(ran_, "ab");
  registry_->Restore();
  EXPECT_EQ(restored_, "ab") << "only what ran";
  registry_->Restore();
  EXPECT_EQ(restored_, "ab") << "only once";
}

TEST_F(CleanupRegistryTest, OnlyThoseOfThePoolInNeedRun) {
  const CleanupHandle a = Add("a", 1, 1, true, false), b = Add("b", 2, 1, false, true),
                      c = Add("c", 3, 1, true, true);
  registry_->Run(true, false, Never);
  EXPECT_EQ(ran_, "ac");
  ran_.clear();
  registry_->Run(false, true, Never);
  EXPECT_EQ(ran_, "bc");
  ran_.clear();
  registry_->Run(false, false, Never);
  EXPECT_EQ(ran_, "");
}

TEST_F(CleanupRegistryTest, TheEndOfAHandleUnregistersAndItsCountsStay) {
  CleanupHandle kept = Add("a", 1, 5);
  {
    const CleanupHandle gone = Add("b", 2, 7);
    registry_->Run(true, true, Never);
  }
  CleanupHandle moved = std::move(kept);
  registry_->Run(true, true, Never);
  EXPECT_EQ(ran_, "aba");
  moved = CleanupHandle();
  registry_->Run(true, true, Never);
  EXPECT_EQ(ran_, "aba");
  const std::vector<CleanupCount> counts = registry_->Counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].runs, 2);
  EXPECT_EQ(counts[0].freed_bytes, 10);
  EXPECT_EQ(counts[1].freed_bytes, 7);
}

TEST_F(CleanupRegistryTest, AHandleMayOutliveItsRegistry) {
  const CleanupHandle handle = Add("a", 1, 1);
  registry_.reset();
}

// What the clean-up borrows dies right after its handle. The address sanitizer and the thread
// sanitizer see a clean-up that still runs.
TEST_F(CleanupRegistryTest, TheEndOfAHandleWaitsForARunInHand) {
  std::atomic<bool> stop = false;
  std::thread runner([&] {
    while (!stop) registry_->Run(true, true, Never);
  });
  for (int i = 0; i < 200; ++i) {
    auto cache = std::make_unique<std::vector<int64_t>>(100, 1);
    const CleanupHandle handle = registry_->Register({.name = "cache",
                                                      .cost = 1,
                                                      .free = [&] { return (*cache)[i % 100]++; },
                                                      .restore = nullptr});
    // The handle dies before the cache.
  }
  stop = true;
  runner.join();
}

}  // namespace
}  // namespace slimreel
