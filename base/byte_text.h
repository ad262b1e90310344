// Converts any bytes to valid UTF-8 and back. File names are bytes, but JSON is Unicode: a name
// that is not UTF-8 must survive a JSON file, and two different names must stay different.
//
// Valid UTF-8 stays as it is. Each byte that is not part of a valid sequence becomes one code
// point of the private use area, U+EF00 + byte, which is U+EF80 to U+EFFF. If the input holds one
// of these code points, its bytes are converted in the same way, so the inverse is unique.
// Threading: pure functions, safe from any thread.
#ifndef BASE_BYTE_TEXT_H_
#define BASE_BYTE_TEXT_H_

#include <string>
#include <string_view>

namespace slimreel {

// Returns valid UTF-8; BytesOfText gives the bytes back.
std::string TextOfBytes(std::string_view bytes);

// The inverse. Text that TextOfBytes did not write keeps its own bytes.
std::string BytesOfText(std::string_view text);

}  // namespace slimreel

#endif  // BASE_BYTE_TEXT_H_
