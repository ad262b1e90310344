#include "memory/tracking/cpu_allocator.h"

#include <ATen/Functions.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <iterator>
#include <new>
#include <thread>
#include <vector>

#include "base/failing_new.h"
#include "memory/tracking/allocation_fault.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

at::Tensor Bytes(int64_t bytes) { return at::empty({bytes}, at::kByte); }

class CpuAllocatorTest : public testing::Test {
 protected:
  void SetUp() override {
    SetCpuBudget(0);
    ReleaseKeptCpuBlocks();
    ResetCpuPeaks();
    before_ = ReadCpuMemory();
  }
  void TearDown() override {
    SetCpuBudget(0);
    SetCpuPressureCeiling(0);
  }
  int64_t Live() const { return ReadCpuMemory().live_bytes - before_.live_bytes; }
  CpuMemoryReading before_;
};

TEST_F(CpuAllocatorTest, CountsRequestedBytesAndTheirPeak) {
  ASSERT_TRUE(CpuAllocatorInstalled());
  {
    const at::Tensor small = Bytes(100), large = Bytes(3 * kMiB + 1);
    EXPECT_EQ(Live(), 3 * kMiB + 101);
  }
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(ReadCpuMemory().peak_live_bytes - before_.live_bytes, 3 * kMiB + 101);
  ResetCpuPeaks();
  EXPECT_EQ(ReadCpuMemory().peak_live_bytes, before_.live_bytes);
}

TEST_F(CpuAllocatorTest, EveryBaseIsAlignedTo64Bytes) {
  std::vector<at::Tensor> held;
  for (int64_t bytes : {1, 63, 4097, 1 << 17, 5 * (1 << 20) + 3}) {
    held.push_back(Bytes(bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(held.back().data_ptr()) % 64, 0) << bytes;
  }
}

TEST_F(CpuAllocatorTest, TheLowerOneOfBudgetAndPressureCeilingRefuses) {
  for (const int64_t budget : {0, 3, 9}) {
    for (const int64_t ceiling : {0, 2, 5}) {
      SetCpuBudget(budget == 0 ? 0 : before_.live_bytes + budget * kMiB);
      SetCpuPressureCeiling(ceiling == 0 ? 0 : before_.live_bytes + ceiling * kMiB);
      for (const int64_t wanted : {1, 2, 3, 4, 5, 6, 9, 10}) {
        const bool fits = (budget == 0 || wanted <= budget) && (ceiling == 0 || wanted <= ceiling);
        if (fits) {
          EXPECT_NO_THROW(Bytes(wanted * kMiB)) << budget << " " << ceiling << " " << wanted;
        } else {
          EXPECT_THROW(Bytes(wanted * kMiB), c10::OutOfMemoryError)
              << budget << " " << ceiling << " " << wanted;
        }
      }
    }
  }
}

TEST_F(CpuAllocatorTest, KeptBlocksGoBackBeforeThePressureCeilingRefuses) {
  { const at::Tensor dropped = Bytes(4 * kMiB); }  // now kept
  const at::Tensor live = Bytes(kMiB / 4);
  ASSERT_GE(ReadCpuMemory().reserved_bytes - before_.live_bytes, 4 * kMiB);
  SetCpuPressureCeiling(before_.live_bytes + 2 * kMiB);
  EXPECT_LE(ReadCpuMemory().reserved_bytes - before_.live_bytes, 2 * kMiB);
  EXPECT_NO_THROW(Bytes(kMiB));
}

TEST_F(CpuAllocatorTest, RawInterfaceAndEmptyAllocationsWork) {
  c10::Allocator* const allocator = c10::GetCPUAllocator();
  ASSERT_NE(allocator->raw_deleter(), nullptr);
  void* const data = allocator->raw_allocate(10);
  EXPECT_EQ(Live(), 10);
  allocator->raw_deallocate(data);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(allocator->allocate(0).get(), nullptr);
  const at::Tensor t = at::arange(5);
  EXPECT_EQ(std::memcmp(allocator->clone(t.data_ptr(), 40).get(), t.data_ptr(), 40), 0);
}

TEST_F(CpuAllocatorTest, BudgetRefusesByTypeAndSaysTheNumbers) {
  SetCpuBudget(before_.live_bytes + kMiB);
  const at::Tensor held = Bytes(kMiB / 2);
  try {
    Bytes(kMiB / 2 + 1);
    FAIL() << "not refused";
  } catch (const c10::OutOfMemoryError& error) {
    const std::string what = error.what();
    for (int64_t number : {kMiB / 2 + 1, Live() + before_.live_bytes, CpuBudget()}) {
      EXPECT_NE(what.find(std::to_string(number)), std::string::npos) << what;
    }
  }
  EXPECT_EQ(ReadCpuMemory().num_refusals, before_.num_refusals + 1);
  EXPECT_EQ(ReadCpuMemory().needed_bytes, before_.live_bytes + kMiB + 1);
  EXPECT_EQ(Live(), kMiB / 2);
  EXPECT_NO_THROW(Bytes(kMiB / 2));  // exactly the budget
}

TEST_F(CpuAllocatorTest, KeptBlocksAreGivenBackBeforeABudgetRefuses) {
  Bytes(8 * kMiB);
  EXPECT_GE(ReadCpuMemory().reserved_bytes, 8 * kMiB);
  SetCpuBudget(before_.live_bytes + 10 * kMiB);
  std::vector<at::Tensor> held;
  for (int i = 0; i < 10 * 16; ++i) {
    held.push_back(Bytes(kMiB / 16));  // from malloc, which cannot use the kept pages
    EXPECT_LE(ReadCpuMemory().reserved_bytes, CpuBudget());
  }
  EXPECT_EQ(Live(), 10 * kMiB);
  EXPECT_LE(ReadCpuMemory().peak_reserved_bytes, CpuBudget());
}

TEST_F(CpuAllocatorTest, LoweredBudgetGivesKeptBlocksBackAtOnce) {
  Bytes(8 * kMiB);
  SetCpuBudget(before_.live_bytes + 2 * kMiB);
  EXPECT_LE(ReadCpuMemory().reserved_bytes, before_.reserved_bytes + 2 * kMiB);
}

TEST_F(CpuAllocatorTest, ChargeCountsAsLiveWhileItLives) {
  SetCpuBudget(before_.live_bytes + kMiB);
  {
    CpuCharge charge(kMiB);
    const CpuCharge moved(std::move(charge));
    EXPECT_EQ(Live(), kMiB);
    EXPECT_THROW(Bytes(1), c10::OutOfMemoryError);
    EXPECT_THROW(CpuCharge(1), c10::OutOfMemoryError);
  }
  EXPECT_EQ(Live(), 0);
}

TEST_F(CpuAllocatorTest, ReservedIsLivePlusKeptAlsoWithAChargedBatch) {
  Bytes(2 * kMiB);  // kept from now on, with its prefix
  const int64_t kept = ReadCpuMemory().reserved_bytes - ReadCpuMemory().live_bytes;
  EXPECT_GE(kept, 2 * kMiB);
  {
    const CpuCharge batch(5 * kMiB);
    const at::Tensor small = Bytes(1000);
    const CpuMemoryReading reading = ReadCpuMemory();
    EXPECT_EQ(reading.live_bytes, before_.live_bytes + 5 * kMiB + 1000);
    EXPECT_EQ(reading.reserved_bytes, reading.live_bytes + kept);
    EXPECT_GE(reading.peak_reserved_bytes, reading.peak_live_bytes);
  }
  EXPECT_EQ(ReadCpuMemory().peak_reserved_bytes, before_.live_bytes + 5 * kMiB + 1000 + kept);
  EXPECT_EQ(ReleaseKeptCpuBlocks(), kept);
  EXPECT_EQ(ReadCpuMemory().reserved_bytes, ReadCpuMemory().live_bytes);
}

TEST_F(CpuAllocatorTest, FaultHitsTheNthAllocationOnceAndCountsNothing) {
  for (int64_t nth : {0, 2}) {
    AllocationFault fault(nth);
    std::vector<at::Tensor> held;
    for (int64_t i = 0; i < 4; ++i) {
      if (i == nth) {
        EXPECT_THROW(Bytes(kMiB), c10::OutOfMemoryError);
      } else {
        held.push_back(Bytes(kMiB));
      }
    }
    EXPECT_TRUE(fault.thrown());
    EXPECT_EQ(fault.num_seen(), 4);
    EXPECT_EQ(Live(), 3 * kMiB);
  }
  EXPECT_NO_THROW(Bytes(kMiB));
  EXPECT_EQ(Live(), 0);
}

TEST_F(CpuAllocatorTest, FaultWhileChargedCountsFromAChargeToItsEnd) {
  AllocationFault fault(AllocationFault::kNever, AllocationFault::Where::kWhileCharged);
  Bytes(1);
  {
    const CpuCharge batch(10);
    Bytes(1);
    Bytes(1);
  }
  Bytes(1);
  EXPECT_EQ(fault.num_seen(), 3) << "the charge and two allocations";
  EXPECT_FALSE(fault.thrown());
}

TEST_F(CpuAllocatorTest, ImpossibleRequestIsOutOfMemoryAndCountsNothing) {
  EXPECT_THROW(Bytes(int64_t{1} << 60), c10::OutOfMemoryError);
  EXPECT_EQ(Live(), 0);
}

// Allocates and frees blocks of all kinds while operator new fails `count` times, from its `nth`
// call on. Each operation is done or refused as a whole, and the count stays equal to what is held.
class BookKeeping {
 public:
  BookKeeping(int64_t nth, int64_t count)
      : nth_(nth), count_(count), before_(ReadCpuMemory().live_bytes) {}

  void Run() {
    SetCpuBudget(before_ + 40 * kMiB);
    const int64_t sizes[] = {1000,      kMiB, 5 * kMiB, 3 * kMiB, 300 << 10, 2 * kMiB,  9 * kMiB,
                             128 << 10, 100,  6 * kMiB, 7 * kMiB, kMiB / 2,  11 * kMiB, 3 * kMiB};
    for (size_t i = 0; i < std::size(sizes); ++i) {
      Take(sizes[i]);
      if (i % 2 == 1) Drop(i / 2);
      if (i == 9) SetBudget(before_ + 25 * kMiB);  // gives kept pages back, also part of a block
    }
    for (size_t i = 0; i < blocks_.size(); ++i) Drop(i);
    EXPECT_EQ(held_, 0);
    const int64_t kept = ReadCpuMemory().reserved_bytes - ReadCpuMemory().live_bytes;
    EXPECT_EQ(ReleaseKeptCpuBlocks(), kept);
    SetCpuBudget(0);
  }
  int64_t num_refused() const { return num_refused_; }

 private:
  void Take(int64_t bytes) {
    blocks_.emplace_back();
    sizes_.push_back(bytes);
    bool refused = false;
    {
      const FailingNew failing(nth_, count_);
      try {
        blocks_.back() = c10::GetCPUAllocator()->allocate(bytes);
      } catch (const c10::OutOfMemoryError&) {
        refused = true;
      } catch (const std::bad_alloc&) {  // no memory even for the text of the error
        refused = true;
      }
    }
    num_refused_ += refused;
    if (!refused) {
      held_ += bytes;
      std::memset(blocks_.back().get(), 1, bytes);
    }
    Check();
  }
  void Drop(size_t i) {
    if (blocks_[i].get() == nullptr) return;
    held_ -= sizes_[i];
    const FailingNew failing(0, FailingNew::kAllLater);
    blocks_[i].clear();
  }
  void SetBudget(int64_t bytes) {
    const FailingNew failing(0, FailingNew::kAllLater);
    SetCpuBudget(bytes);
  }
  void Check() const {
    const CpuMemoryReading reading = ReadCpuMemory();
    EXPECT_EQ(reading.live_bytes, before_ + held_);
    EXPECT_GE(reading.reserved_bytes, reading.live_bytes);
    EXPECT_LE(reading.reserved_bytes, CpuBudget());
  }

  const int64_t nth_, count_, before_;
  std::vector<c10::DataPtr> blocks_;
  std::vector<int64_t> sizes_;
  int64_t held_ = 0;
  int64_t num_refused_ = 0;
};

TEST_F(CpuAllocatorTest, FailingBookKeepingKeepsTheCountAndAlwaysFrees) {
  int64_t failed = 1, refused = 0;
  for (int64_t nth = 0; failed > 0; ++nth) {
    failed = 0;
    for (int64_t count : {int64_t{1}, FailingNew::kAllLater}) {
      BookKeeping blocks(nth, count);
      blocks.Run();
      failed += FailingNew::TakeNumFailed();
      refused += blocks.num_refused();
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(Live(), 0);
}

TEST_F(CpuAllocatorTest, RefusedRecordIsOutOfMemoryByType) {
  const FailingNew failing(0);
  EXPECT_THROW(c10::GetCPUAllocator()->allocate(kMiB), c10::OutOfMemoryError);
  EXPECT_EQ(FailingNew::TakeNumFailed(), 1);
  EXPECT_EQ(Live(), 0);
}

TEST_F(CpuAllocatorTest, ThreadsShareItWithoutLosingAByteOrPassingTheBudget) {
  SetCpuBudget(before_.live_bytes + 4 * 9 * (300 << 10));  // all may live, little may be kept
  std::atomic<int> wrong_readings{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong_readings] {
      std::vector<at::Tensor> held(8);
      for (int i = 0; i < 2000; ++i) {
        at::Tensor& slot = held[i % 8];
        slot = Bytes(1 + (i * 7919 + t * 104729) % (300 << 10));
        slot.data_ptr<uint8_t>()[0] = 1;
        const CpuMemoryReading reading = ReadCpuMemory();
        if (reading.reserved_bytes < reading.live_bytes ||
            reading.peak_reserved_bytes > CpuBudget()) {
          ++wrong_readings;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(wrong_readings, 0);
}

}  // namespace
}  // namespace slimreel
