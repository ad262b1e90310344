// Which kinds of container are opened.
#ifndef DATA_DECODE_CONTAINERS_H_
#define DATA_DECODE_CONTAINERS_H_

namespace slimreel {

// libavformat's names for the demuxers that may open a file, comma-separated, in the form that its
// option `format_whitelist` takes. Each of them reads pictures or sound from the one given file.
// Playlists, lists of files, text and name patterns are left out: they open other files or
// themselves, or wait for more data.
extern const char kContainers[];

}  // namespace slimreel

#endif  // DATA_DECODE_CONTAINERS_H_
