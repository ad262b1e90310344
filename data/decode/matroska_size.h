// Tells whether a Matroska or WebM file is cut.
//
// libavformat reads such a file to its last byte and reports no error. But the outermost element,
// the Segment, stores its length (RFC 8794 section 6.2, RFC 9559 section 5.1).
//
// Threading: pure functions.
#ifndef DATA_DECODE_MATROSKA_SIZE_H_
#define DATA_DECODE_MATROSKA_SIZE_H_

#include <cstddef>
#include <cstdint>
#include <functional>

namespace slimreel {

// Reads up to `bytes` bytes at offset `at` into `to`. Returns how many it read.
using ReadAt = std::function<size_t(uint64_t at, uint8_t* to, size_t bytes)>;

// True if the file ends before its Segment does and pictures may be missing. It is false if only
// the index or the tags after the pictures are cut. If files were joined end to end, there are
// several Segments, and the last one counts.
//
// False if the length is unknown: a live recording stores none, other formats have no Segment.
bool MatroskaIsTruncated(const ReadAt& read, uint64_t file_bytes);

}  // namespace slimreel

#endif  // DATA_DECODE_MATROSKA_SIZE_H_
