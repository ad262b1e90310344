// The main function of tests: runs gtest, with glog set to warnings and above.
#include <gtest/gtest.h>

#include "base/init_logging.h"

int main(int argc, char** argv) {
  slimreel::InitLogging(argv[0], /*quiet=*/true);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
