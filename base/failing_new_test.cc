#include "base/failing_new.h"

#include <gtest/gtest.h>

#include <new>
#include <thread>

namespace slimreel {
namespace {

// Returns whether one call of operator new fails. Called directly, so that the compiler cannot
// leave the allocation out.
bool NewFails() {
  try {
    ::operator delete(::operator new(16));
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

bool NothrowNewFails() {
  void* const data = ::operator new(16, std::nothrow);
  ::operator delete(data);
  return data == nullptr;
}

TEST(FailingNewTest, CountCallsFailFromTheNthOn) {
  bool failed[5];
  {
    const FailingNew failing(1, 2);
    for (bool& each : failed) each = NewFails();
  }
  const int64_t num_failed = FailingNew::TakeNumFailed();
  EXPECT_FALSE(failed[0]);
  EXPECT_TRUE(failed[1]);
  EXPECT_TRUE(failed[2]);
  EXPECT_FALSE(failed[3]);
  EXPECT_FALSE(failed[4]);
  EXPECT_EQ(num_failed, 2);
  EXPECT_EQ(FailingNew::TakeNumFailed(), 0);
}

TEST(FailingNewTest, TheNothrowFormReturnsNull) {
  bool failed = false;
  {
    const FailingNew failing(0);
    failed = NothrowNewFails();
  }
  EXPECT_TRUE(failed);
  EXPECT_EQ(FailingNew::TakeNumFailed(), 1);
}

TEST(FailingNewTest, NothingFailsAfterTheObjectOrInAnotherThread) {
  { const FailingNew failing(0, FailingNew::kAllLater); }
  EXPECT_FALSE(NewFails());
  bool failed_there = true;
  std::thread other([&failed_there] { failed_there = NewFails(); });
  {
    const FailingNew failing(0, FailingNew::kAllLater);
    other.join();
  }
  EXPECT_FALSE(failed_there);
  EXPECT_EQ(FailingNew::TakeNumFailed(), 0);
}

}  // namespace
}  // namespace slimreel
