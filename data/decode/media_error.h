// Why a media file, or a part of it, could not be used: a short reason code, which reports store
// and count. The Status with the explanation carries it.
//
// Errors of the machine (no memory, no descriptor, no room on the disk) are different: they carry
// no code, say nothing about the file, and stop the run.
#ifndef DATA_DECODE_MEDIA_ERROR_H_
#define DATA_DECODE_MEDIA_ERROR_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace slimreel {

// The codes, in the order in which they are checked.
inline constexpr std::string_view kReasonNotFound = "not_found";
inline constexpr std::string_view kReasonUnreadable =
    "unreadable";                                               // permissions, not a regular file
inline constexpr std::string_view kReasonIoError = "io_error";  // the disk or its network
// FFmpeg cannot open it: no known container, or cut before its header or index is complete.
inline constexpr std::string_view kReasonNotMedia = "not_media";
inline constexpr std::string_view kReasonDamagedHeader =
    "damaged_header";  // it opens, but its streams cannot be described
inline constexpr std::string_view kReasonNoVideo = "no_video_stream";
inline constexpr std::string_view kReasonNoDecoder = "no_decoder";
inline constexpr std::string_view kReasonFrameTooLarge =
    "frame_too_large";  // above a bound of this run
inline constexpr std::string_view kReasonNoConversion = "no_conversion";  // to RGB
inline constexpr std::string_view kReasonNoFrames = "no_frames";      // no frame could be decoded
inline constexpr std::string_view kReasonNoProgress = "no_progress";  // no frame came in time
inline constexpr std::string_view kReasonTooDamaged =
    "too_damaged";  // given up after many errors in a row
inline constexpr std::string_view kReasonDamagedPackets = "damaged_packets";
inline constexpr std::string_view kReasonTruncated = "truncated";

// MediaError makes a Status with a code. ReasonOf returns the code; empty if there is none.
absl::Status MediaError(absl::StatusCode code, std::string_view reason, std::string_view message);
std::string ReasonOf(const absl::Status& status);

// The same status code and reason, with `path` before the message.
absl::Status WithPath(std::string_view path, const absl::Status& status);

// True if another run may be able to use the same file, because the reason depends on the machine,
// on permissions or on bounds of this run. Such a reason must not be remembered for later runs.
bool ReasonMayPass(std::string_view reason);

// An error of the machine: RESOURCE_EXHAUSTED without a reason code. `message` says what failed. It
// ends the run, because the next file would fail in the same way.
absl::Status MachineError(std::string_view message);
bool IsMachineError(const absl::Status& status);

}  // namespace slimreel

#endif  // DATA_DECODE_MEDIA_ERROR_H_
