// Libraries that get no memory do not always say so. The tests stand one in that raises another
// error, or none, and an accelerator whose allocator counts a refusal.
#include "memory/recovery/attempt_watch.h"

#include <ATen/ops/empty.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <dnnl.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

const at::Device kAccelerator(at::kPrivateUse1, 0);

// What a library does when it gets no memory.
enum class Manner { kPlainError, kOtherStatus, kRuntimeError, kSwallowed };

// Allocates three blocks, as a library would for its workspaces. Returns whether it got all.
bool CallLibrary(Manner manner) {
  try {
    for (int i = 0; i < 3; ++i) at::empty({1000}, at::kByte);
    return true;
  } catch (const c10::OutOfMemoryError&) {
  }
  switch (manner) {
    case Manner::kPlainError:
      TORCH_CHECK(false, "unable to find an engine");
    case Manner::kOtherStatus:
      throw dnnl::error(dnnl_runtime_error, "could not execute a primitive");
    case Manner::kRuntimeError:
      throw std::runtime_error("failed");
    case Manner::kSwallowed:
      return false;
  }
  return false;
}

class MadeUpAccelerator final : public c10::DeviceAllocator {
 public:
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t /*pool*/) override {}
  void recordStream(const c10::DataPtr& /*data*/, c10::Stream /*stream*/) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex /*index*/) override {
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.num_ooms = num_ooms;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex /*index*/) override {}
  void resetPeakStats(c10::DeviceIndex /*index*/) override {}
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex /*index*/) override { return {0, 0}; }
  c10::DataPtr allocate(size_t /*bytes*/) override { return {}; }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* /*to*/, const void* /*from*/, size_t /*count*/) const override {}

  int64_t num_ooms = 0;
};

MadeUpAccelerator& Accelerator() {
  static auto* const accelerator = [] {
    auto* const made = new MadeUpAccelerator;
    c10::SetAllocator(at::kPrivateUse1, made);
    return made;
  }();
  return *accelerator;
}

TEST(RanOutOfMemoryTest, TheTableOfEndsAndRefusals) {
  using End = AttemptEnd;
  const AttemptRefusals none, on_host{.host = 1}, on_accelerator{.accelerator = 1};
  EXPECT_FALSE(RanOutOfMemory(End::kNoError, none));
  EXPECT_FALSE(RanOutOfMemory(End::kNoError, on_host)) << "a fallback on the host changes no bit";
  EXPECT_TRUE(RanOutOfMemory(End::kNoError, on_accelerator)) << "another plan, other bits";
  EXPECT_TRUE(RanOutOfMemory(End::kOutOfMemory, none));
  EXPECT_TRUE(RanOutOfMemory(End::kOutOfMemory, on_host));
  EXPECT_FALSE(RanOutOfMemory(End::kOtherError, none)) << "a bug stays a bug";
  EXPECT_TRUE(RanOutOfMemory(End::kOtherError, on_host));
  EXPECT_TRUE(RanOutOfMemory(End::kOtherError, on_accelerator));
}

TEST(AttemptWatchTest, AnyErrorAfterARefusalIsOutOfMemory) {
  for (const Manner manner : {Manner::kPlainError, Manner::kOtherStatus, Manner::kRuntimeError}) {
    for (int64_t nth = 0; nth < 3; ++nth) {
      const AllocationFault fault(nth);
      EXPECT_FALSE(FitsInMemory(at::kCPU, [&] { CallLibrary(manner); })) << nth;
      EXPECT_TRUE(fault.thrown());
      EXPECT_TRUE(FitsInMemory(at::kCPU, [&] { CallLibrary(manner); })) << "memory is there again";
    }
  }
}

TEST(AttemptWatchTest, ARefusalByTheBudgetCountsToo) {
  SetCpuBudget(ReadCpuMemory().live_bytes + 500);
  EXPECT_FALSE(FitsInMemory(at::kCPU, [] { CallLibrary(Manner::kPlainError); }));
  SetCpuBudget(0);
}

TEST(AttemptWatchTest, WithoutARefusalOtherErrorsPassThrough) {
  SetCpuBudget(ReadCpuMemory().live_bytes + 500);
  EXPECT_THROW(at::empty({1000}, at::kByte), c10::OutOfMemoryError);  // before the attempt
  EXPECT_THROW(FitsInMemory(at::kCPU, [] { throw std::runtime_error("out of memory"); }),
               std::runtime_error);
  SetCpuBudget(0);
}

TEST(AttemptWatchTest, OnTheCpuASwallowedRefusalFits) {
  const AllocationFault fault(1);
  std::optional<bool> got_all;
  EXPECT_TRUE(FitsInMemory(at::kCPU, [&] { got_all = CallLibrary(Manner::kSwallowed); }));
  EXPECT_EQ(got_all, false);
}

TEST(AttemptWatchTest, OnAnAcceleratorASwallowedRefusalVoidsTheAttempt) {
  MadeUpAccelerator& accelerator = Accelerator();
  accelerator.num_ooms = 5;  // of earlier attempts
  EXPECT_TRUE(FitsInMemory(kAccelerator, [] {}));
  EXPECT_FALSE(FitsInMemory(kAccelerator, [&] { ++accelerator.num_ooms; }));
  EXPECT_FALSE(FitsInMemory(kAccelerator, [&] {
    ++accelerator.num_ooms;
    throw std::runtime_error("unable to find an engine");
  }));
  EXPECT_THROW(FitsInMemory(kAccelerator, [] { throw std::runtime_error("a bug"); }),
               std::runtime_error);
  EXPECT_FALSE(FitsInMemory(at::kCPU, [] { TORCH_CHECK_WITH(OutOfMemoryError, false, "full"); }));
  EXPECT_TRUE(FitsInMemory(at::kCPU, [&] { ++accelerator.num_ooms; })) << "not this device's";
}

TEST(AttemptWatchTest, WorkWithAttemptsOfItsOwnIsJudgedByTypeOnly) {
  const auto handle_one_then_fail = [] {
    const AllocationFault fault(0);
    EXPECT_FALSE(FitsInMemory(at::kCPU, [] { CallLibrary(Manner::kPlainError); }));
    throw std::runtime_error("a bug");
  };
  EXPECT_THROW(FitsInMemory(handle_one_then_fail), std::runtime_error);
}

}  // namespace
}  // namespace slimreel
