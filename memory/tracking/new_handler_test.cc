// What operator new gets when the system has no memory left, in processes of their own under
// `ulimit -v`.
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <new>

#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr size_t kWanted = 128 * kMiB;  // more than the limit leaves

int64_t Kept() {
  const CpuMemoryReading reading = ReadCpuMemory();
  return reading.reserved_bytes - reading.live_bytes;
}

// As `ulimit -v` does: the process may map 32 MiB more than it has mapped now.
void LimitAddresses() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + 32 * kMiB);
  const rlimit limit{bytes, bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) std::abort();
}

// Frees a tensor, whose pages are kept.
void KeepBlocks() { at::empty({256 * kMiB}, at::kByte); }

bool NewSucceeds() {
  char* const data = new (std::nothrow) char[kWanted];
  if (data != nullptr) data[kWanted - 1] = 1;
  delete[] data;
  return data != nullptr;
}

[[noreturn]] void End(bool as_promised) {
  std::cerr << "kept " << Kept() << " bytes\n";
  _exit(as_promised ? 0 : 1);
}

TEST(NewHandlerTest, KeptBlocksGoBackBeforeOperatorNewFails) {
  EXPECT_EXIT(
      {
        KeepBlocks();
        const bool kept = Kept() >= 256 * kMiB;
        LimitAddresses();
        End(kept && NewSucceeds() && Kept() == 0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(NewHandlerTest, WithNothingKeptOperatorNewFailsAsEver) {
  EXPECT_EXIT(
      {
        ReleaseKeptCpuBlocks();
        LimitAddresses();
        bool refused = !NewSucceeds();
        try {
          operator delete(operator new(kWanted));  // not elided, unlike a new-expression
          refused = false;
        } catch (const std::bad_alloc&) {
        }
        End(refused);
      },
      testing::ExitedWithCode(0), "");
}

// Takes memory inside of the allocator, where its lock is held.
class GreedyHook final : public AllocationHook {
 public:
  void BeforeAllocate(AllocationKind /*kind*/, int64_t /*bytes*/) override { got = NewSucceeds(); }
  bool got = true;
};

TEST(NewHandlerTest, InsideTheAllocatorOperatorNewFailsInsteadOfWaitingForItself) {
  EXPECT_EXIT(
      {
        KeepBlocks();
        LimitAddresses();
        GreedyHook hook;
        AddCpuAllocationHook(&hook);
        at::empty({100}, at::kByte);
        RemoveCpuAllocationHook(&hook);
        End(!hook.got && Kept() >= 256 * kMiB && NewSucceeds());
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace slimreel
