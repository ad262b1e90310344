// The main function of tests that count tensor bytes: it installs the allocator before the first
// tensor.
#include <gtest/gtest.h>

#include "memory/tracking/cpu_allocator.h"

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
