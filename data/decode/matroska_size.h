// Whether a Matroska or WebM file holds all that its header says.
//
// libavformat ends such a file where its bytes end, without an error; but the element around
// everything, the Segment, tells its length (RFC 8794 section 6.2, RFC 9559 section 5.1).
//
// Who calls it: the demuxer, at the end of a file.
#ifndef DATA_DECODE_MATROSKA_SIZE_H_
#define DATA_DECODE_MATROSKA_SIZE_H_

#include <string>

namespace slimreel {

// True where the file ends before its Segment does. False where that cannot be known: a
// recording that was written without going back says no length; another format; no such file.
bool MatroskaBreaksOff(const std::string& path);

}  // namespace slimreel

#endif  // DATA_DECODE_MATROSKA_SIZE_H_
