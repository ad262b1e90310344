#include "data/decode/system_error.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/error.h>
#include <libavutil/mem.h>
}

#include <cerrno>
#include <climits>

#include "data/decode/media_error.h"

namespace slimreel {
namespace {

TEST(SystemErrorTest, ErrorsOfTheMachineHaveNoReason) {
  for (const int error : {ENOMEM, EMFILE, ENFILE, ENOBUFS, ENOSPC}) {
    const absl::Status status = ErrnoStatus("/v/a.mp4", error);
    EXPECT_TRUE(IsMachineError(status)) << status;
    EXPECT_EQ(status.message().find("/v/a.mp4: "), 0u) << status;
  }
}

TEST(SystemErrorTest, ErrorsOfTheFileHaveAReasonThatMayPass) {
  for (const auto& [error, reason] : {std::pair{ENOENT, kReasonNotFound},
                                      {ENOTDIR, kReasonNotFound},
                                      {EACCES, kReasonUnreadable},
                                      {EPERM, kReasonUnreadable},
                                      {EIO, kReasonIoError},
                                      {ESTALE, kReasonIoError},
                                      {ETIMEDOUT, kReasonIoError},
                                      {ENXIO, kReasonIoError}}) {
    const absl::Status status = ErrnoStatus("/v/a.mp4", error);
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_FALSE(IsMachineError(status));
    EXPECT_TRUE(ReasonMayPass(ReasonOf(status)));
  }
}

TEST(SystemErrorTest, LibavsEnomemIsTheMachinesErrorOnlyIfMemoryIsShort) {
  EXPECT_TRUE(MachineErrorOf("a", 0).ok());
  EXPECT_TRUE(MachineErrorOf("a", AVERROR_EOF).ok());
  EXPECT_TRUE(MachineErrorOf("a", AVERROR_INVALIDDATA).ok());
  EXPECT_TRUE(MachineErrorOf("a", AVERROR(EINVAL)).ok());
  EXPECT_TRUE(IsMachineError(MachineErrorOf("a", AVERROR(EMFILE))));
  // A request above libav's own limit is an error of the file, however much memory is free.
  EXPECT_EQ(av_malloc(size_t{INT_MAX} + 1), nullptr);
  EXPECT_EQ(MachineErrorOf("a", AVERROR(ENOMEM)).ok(), !MemoryIsShort());
  av_max_alloc(1 << 20);
  EXPECT_TRUE(MemoryIsShort());
  EXPECT_TRUE(IsMachineError(MachineErrorOf("a", AVERROR(ENOMEM))));
  av_max_alloc(INT_MAX);
}

}  // namespace
}  // namespace slimreel
