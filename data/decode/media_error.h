// Why a media file, or a part of it, could not be used: a short code that goes
// into reports and can be counted, carried by the Status that explains it.
//
// The machine's own errors (no memory, no descriptor, no room) are a class apart: they carry no
// code, say nothing about the file, and stop the run.
#ifndef DATA_DECODE_MEDIA_ERROR_H_
#define DATA_DECODE_MEDIA_ERROR_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace slimreel {

// The codes, in the order in which a file meets them.
inline constexpr std::string_view kReasonNotFound = "not_found";
inline constexpr std::string_view kReasonUnreadable = "unreadable";  // permissions, no file
inline constexpr std::string_view kReasonIoError = "io_error";       // the disk or its network
inline constexpr std::string_view kReasonNotMedia = "not_media";     // no container recognised
inline constexpr std::string_view kReasonDamagedHeader =
    "damaged_header";  // container, but cut or broken
inline constexpr std::string_view kReasonNoVideo = "no_video_stream";
inline constexpr std::string_view kReasonNoDecoder = "no_decoder";
inline constexpr std::string_view kReasonFrameTooLarge =
    "frame_too_large";  // over a bound of this run
inline constexpr std::string_view kReasonNoConversion = "no_conversion";  // to RGB
inline constexpr std::string_view kReasonNoFrames = "no_frames";          // nothing decoded
inline constexpr std::string_view kReasonNoProgress = "no_progress";      // nothing came in time
inline constexpr std::string_view kReasonTooDamaged =
    "too_damaged";  // gave up after a run of errors
inline constexpr std::string_view kReasonDamagedPackets = "damaged_packets";
inline constexpr std::string_view kReasonTruncated = "truncated";

// A Status with a code; ReasonOf gives it back, empty where there is none.
absl::Status MediaError(absl::StatusCode code, std::string_view reason, std::string_view message);
std::string ReasonOf(const absl::Status& status);

// The same code and reason, `path` before the message.
absl::Status WithPath(std::string_view path, const absl::Status& status);

// True where another run may find the same file sound: the reason depends on the machine, on
// rights or on bounds of this run. What may pass is never remembered.
bool ReasonMayPass(std::string_view reason);

// An error of the machine, with `message` for what it could not do: RESOURCE_EXHAUSTED without a
// reason. It ends the run: the next file would meet the same.
absl::Status MachineError(std::string_view message);
bool IsMachineError(const absl::Status& status);

}  // namespace slimreel

#endif  // DATA_DECODE_MEDIA_ERROR_H_
