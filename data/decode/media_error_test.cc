#include "data/decode/media_error.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "absl/status/status.h"

namespace slimreel {
namespace {

constexpr std::array kAll = {kReasonNotFound,  kReasonUnreadable,    kReasonIoError,
                             kReasonNotMedia,  kReasonDamagedHeader, kReasonNoVideo,
                             kReasonNoDecoder, kReasonFrameTooLarge, kReasonNoConversion,
                             kReasonNoFrames,  kReasonNoProgress,    kReasonTooDamaged,
                             kReasonTruncated, kReasonDamagedPackets};

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
  // OK cannot carry a reason.
  EXPECT_EQ(ReasonOf(MediaError(absl::StatusCode::kOk, kReasonTruncated, "")), "");
}

TEST(MediaErrorTest, CodesAreDistinctWordsForCounting) {
  EXPECT_EQ(std::set<std::string_view>(kAll.begin(), kAll.end()).size(), kAll.size());
  for (const std::string_view code : kAll) {
    EXPECT_EQ(code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos)
        << code;
  }
}

TEST(MediaErrorTest, OnlyWhatDependsOnTheRunMayPass) {
  std::set<std::string_view> passing;
  for (const std::string_view code : kAll) {
    if (ReasonMayPass(code)) passing.insert(code);
  }
  EXPECT_EQ(passing, (std::set<std::string_view>{"not_found", "unreadable", "io_error",
                                                 "no_progress", "frame_too_large"}));
  EXPECT_FALSE(ReasonMayPass(""));
}

TEST(MediaErrorTest, ThePathComesBeforeTheMessageAndTheReasonStays) {
  const absl::Status status =
      WithPath("a.mp4", MediaError(absl::StatusCode::kDataLoss, kReasonNoFrames, "empty"));
  EXPECT_EQ(status.message(), "a.mp4: empty");
  EXPECT_EQ(ReasonOf(status), "no_frames");
  EXPECT_EQ(ReasonOf(WithPath("a.mp4", absl::InternalError("bug"))), "");
}

TEST(MediaErrorTest, ErrorsOfTheMachineAreRecognised) {
  EXPECT_TRUE(IsMachineError(MachineError("no memory")));
  EXPECT_TRUE(IsMachineError(WithPath("a.mp4", MachineError("no memory"))));
  EXPECT_FALSE(IsMachineError(
      MediaError(absl::StatusCode::kResourceExhausted, kReasonFrameTooLarge, "large")));
  EXPECT_FALSE(IsMachineError(absl::InternalError("bug")));
  EXPECT_FALSE(IsMachineError(absl::OkStatus()));
}

}  // namespace
}  // namespace slimreel
