// For tests: the ffmpeg program as a maker of media and as the reference.
#ifndef DATA_DECODE_FFMPEG_PROGRAM_H_
#define DATA_DECODE_FFMPEG_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

// Runs `ffmpeg -y -v error ARGUMENTS`; a failure fails the test.
void RunFfmpeg(const std::string& arguments);

// All frames of `path` as RGB24, one after the other, by
// `ffmpeg -threads 1 -i PATH -map 0:V:0 -fps_mode passthrough [-vf FILTER] -pix_fmt rgb24`.
std::vector<uint8_t> FfmpegFrames(const std::string& path, const std::string& filter = "");

// SLIMREEL_MEDIA, or empty: then tests of real media skip.
std::string RealMediaFolder();

}  // namespace slimreel

#endif  // DATA_DECODE_FFMPEG_PROGRAM_H_
