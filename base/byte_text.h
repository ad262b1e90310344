// Any bytes as valid UTF-8, and back. File names are bytes, JSON is Unicode: a name that is
// no UTF-8 must survive a file of JSON, and two names must stay two.
//
// Valid UTF-8 stays as it is. Each byte that is no part of a valid sequence becomes one
// code point U+EF00 + byte, so U+EF80 to U+EFFF, of the private use area. The bytes of these
// code points themselves are written the same way, so that the way back is unique.
// Pure functions, safe from any thread.
#ifndef BASE_BYTE_TEXT_H_
#define BASE_BYTE_TEXT_H_

#include <string>
#include <string_view>

namespace slimreel {

// Valid UTF-8 for any bytes; BytesOfText gives the bytes back.
std::string TextOfBytes(std::string_view bytes);

// The inverse. Text that TextOfBytes did not write comes back with its own bytes.
std::string BytesOfText(std::string_view text);

}  // namespace slimreel

#endif  // BASE_BYTE_TEXT_H_
