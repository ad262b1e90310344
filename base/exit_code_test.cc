#include "base/exit_code.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(ExitCodeTest, EveryErrorHasItsCode) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kDone);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(absl::UnimplementedError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), ExitCode::kDataUnusable);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("disk full")), ExitCode::kInternal);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), ExitCode::kInternal);
  EXPECT_EQ(ExitCodeOf(NothingFitsError("x")), ExitCode::kNothingFits);
  EXPECT_EQ(ExitCodeOf(StoppedError("x")), ExitCode::kStopped);
}

TEST(ExitCodeTest, AnAttachedCodeWinsAndIsNotReplaced) {
  const absl::Status data = WithExitCode(absl::NotFoundError("no shards"), ExitCode::kDataUnusable);
  EXPECT_EQ(ExitCodeOf(data), ExitCode::kDataUnusable);
  EXPECT_EQ(ExitCodeOf(WithExitCode(data, ExitCode::kUsage)), ExitCode::kDataUnusable);
  EXPECT_TRUE(WithExitCode(absl::OkStatus(), ExitCode::kUsage).ok());
}

}  // namespace
}  // namespace slimreel
