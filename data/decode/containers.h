// Which kinds of container are opened. Pure.
#ifndef DATA_DECODE_CONTAINERS_H_
#define DATA_DECODE_CONTAINERS_H_

namespace slimreel {

// libavformat's names of the demuxers that may open a file, comma-separated, as its option
// `format_whitelist` takes them. Each reads pictures or sound out of the one file that it is
// given. Playlists, lists of files, text and patterns of names are not among them: they lead to
// other files, wait for more, or name themselves.
extern const char kContainers[];

}  // namespace slimreel

#endif  // DATA_DECODE_CONTAINERS_H_
