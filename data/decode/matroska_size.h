// Whether a Matroska or WebM file holds all that its header says.
//
// libavformat ends such a file where its bytes end, without an error; but the element around
// everything, the Segment, tells its length (RFC 8794 section 6.2, RFC 9559 section 5.1).
#ifndef DATA_DECODE_MATROSKA_SIZE_H_
#define DATA_DECODE_MATROSKA_SIZE_H_

#include <cstddef>
#include <cstdint>
#include <functional>

namespace slimreel {

// Reads up to `bytes` at `at`; gives how many there were.
using ReadAt = std::function<size_t(uint64_t at, uint8_t* to, size_t bytes)>;

// True where the file ends before its Segment does, and pictures may be missing: not where it
// ends in the index or the tags behind them. Files joined end to end have several Segments, and
// the last one is judged. False where nothing can be known: a recording that was written without
// going back says no length; another format.
bool MatroskaBreaksOff(const ReadAt& read, uint64_t file_bytes);

}  // namespace slimreel

#endif  // DATA_DECODE_MATROSKA_SIZE_H_
