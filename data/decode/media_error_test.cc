#include "data/decode/media_error.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/status/status.h"

namespace slimreel {
namespace {

TEST(MediaErrorTest, TheReasonTravelsWithCodeAndMessage) {
  const absl::Status status =
      MediaError(absl::StatusCode::kDataLoss, kReasonTruncated, "a.mp4: cut");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "a.mp4: cut");
  EXPECT_EQ(ReasonOf(status), "truncated");
  const absl::Status copy = status;
  EXPECT_EQ(ReasonOf(copy), "truncated");
}

TEST(MediaErrorTest, OtherErrorsHaveNoReason) {
  EXPECT_EQ(ReasonOf(absl::DataLossError("truncated")), "");
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
  // Of success nothing is wrong, whatever is said of it.
  EXPECT_EQ(ReasonOf(MediaError(absl::StatusCode::kOk, kReasonTruncated, "")), "");
}

TEST(MediaErrorTest, CodesAreDistinctWordsForCounting) {
  const std::set<std::string_view> codes = {
      kReasonNotFound,  kReasonUnreadable,    kReasonNotMedia, kReasonDamagedHeader,
      kReasonNoVideo,   kReasonNoDecoder,     kReasonNoFrames, kReasonTooDamaged,
      kReasonTruncated, kReasonDamagedPackets};
  EXPECT_EQ(codes.size(), 10u);
  for (const std::string_view code : codes) {
    EXPECT_EQ(code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos)
        << code;
  }
}

}  // namespace
}  // namespace slimreel
