#include "trainer/injection_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

int64_t every_nth = 1;

}  // namespace

bool IsTried(int64_t nth, int64_t count) {
  return nth % every_nth == 0 || nth < 5 || nth >= count - 5;
}

int RunInjectionTests(int argc, char** argv, int64_t every) {
  every_nth = every;
  InstallCpuAllocator();
  testing::InitGoogleTest(&argc, argv);
  constexpr char kEvery[] = "--every=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kEvery, std::strlen(kEvery)) != 0) continue;
    every_nth = std::max(1LL, std::atoll(argv[i] + std::strlen(kEvery)));
  }
  return RUN_ALL_TESTS();
}

}  // namespace slimreel
