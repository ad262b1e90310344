// For tests: runs the ffmpeg program, which makes media and gives the reference frames.
#ifndef DATA_DECODE_FFMPEG_PROGRAM_H_
#define DATA_DECODE_FFMPEG_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

// Runs `ffmpeg -y -v error ARGUMENTS`. The test fails if ffmpeg fails.
void RunFfmpeg(const std::string& arguments);

// All frames of `path` as [frames, height, width, 3] uint8 (RGB24), from
// `ffmpeg -threads 1 -i PATH -map 0:V:0 -fps_mode passthrough [-vf FILTER] -pix_fmt rgb24`.
std::vector<uint8_t> FfmpegFrames(const std::string& path, const std::string& filter = "");

// The value of the environment variable SLIMREEL_MEDIA. If it is empty, tests of real media skip.
std::string RealMediaFolder();

}  // namespace slimreel

#endif  // DATA_DECODE_FFMPEG_PROGRAM_H_
