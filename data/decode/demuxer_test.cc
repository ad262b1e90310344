#include "data/decode/demuxer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

constexpr char kFirstVideo[] = "V:0";

// 25 frames of 64 x 48, and sound between them.
std::string ClipWithSound(const std::string& more = "") {
  const std::string path = TestFolder("clip") + "/clip.mp4";
  RunFfmpeg(
      "-f lavfi -i testsrc2=size=64x48:rate=25:duration=1 -f lavfi -i sine=duration=1 "
      "-map 1 -map 0 -c:v libx264 -bf 2 -pix_fmt yuv420p " +
      more + " " + path);
  return path;
}

absl::Status ReadAll(Demuxer* demuxer, int64_t* packets) {
  const PacketPtr packet = NewPacket();
  for (*packets = 0;; ++*packets) {
    const auto more = demuxer->Read(packet.get());
    if (!more.ok() || !*more) return more.status();
    EXPECT_EQ(packet->stream_index, demuxer->stream()->index);
    EXPECT_GT(packet->size, 0);
    av_packet_unref(packet.get());
  }
}

TEST(DemuxerTest, PacketsOfTheStreamAloneComeOut) {
  const auto demuxer = Demuxer::Open(ClipWithSound(), kFirstVideo, nullptr);
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  EXPECT_EQ((*demuxer)->stream()->index, 1);  // the sound stands before it
  int64_t packets = 0;
  ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
  EXPECT_EQ(packets, 25);
  EXPECT_EQ((*demuxer)->packets(), 25);
  EXPECT_FALSE((*demuxer)->truncated());
}

TEST(DemuxerTest, ACoverPictureIsNoVideo) {
  const std::string folder = TestFolder("cover");
  RunFfmpeg("-f lavfi -i color=red:size=200x200 -frames:v 1 " + folder + "/cover.png");
  RunFfmpeg("-i " + folder + "/cover.png -i " + ClipWithSound() +
            " -map 0 -map 1:v -c copy -disposition:v:0 attached_pic " + folder + "/covered.mp4");
  const auto demuxer = Demuxer::Open(folder + "/covered.mp4", kFirstVideo, nullptr);
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  EXPECT_EQ((*demuxer)->stream()->codecpar->width, 64);
}

TEST(DemuxerTest, AFileThatEndsBeforeItsIndexIsKnownAtItsEnd) {
  const std::string path = ClipWithSound("-movflags +faststart");
  const std::string bytes = ReadTestFile(path);
  WriteTestFile(path, bytes.substr(0, bytes.size() / 2));
  const auto demuxer = Demuxer::Open(path, kFirstVideo, nullptr);
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  int64_t packets = 0;
  ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
  EXPECT_LT(packets, 25);
  EXPECT_TRUE((*demuxer)->truncated());
}

TEST(DemuxerTest, AMatroskaFileThatEndsBeforeItsSegmentIsKnownAtItsEnd) {
  const std::string folder = TestFolder("matroska");
  for (const char* name : {"/clip.mkv", "/clip.webm"}) {
    const std::string path = folder + name;
    RunFfmpeg("-f lavfi -i testsrc2=size=64x48:rate=25:duration=1 " + path);
    const std::string bytes = ReadTestFile(path);
    for (const bool cut : {false, true}) {
      WriteTestFile(path, bytes.substr(0, cut ? bytes.size() / 2 : bytes.size()));
      const auto demuxer = Demuxer::Open(path, kFirstVideo, nullptr);
      ASSERT_TRUE(demuxer.ok()) << demuxer.status();
      int64_t packets = 0;
      ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
      EXPECT_EQ(packets < 25, cut);
      EXPECT_EQ((*demuxer)->truncated(), cut);
    }
  }
}

// Open files of this process: a context that leaks keeps its own.
int64_t OpenFiles() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST(DemuxerTest, AnInterruptionAtAnyPointOfOpeningLeavesNothingOpen) {
  const std::string path = ClipWithSound();
  int64_t asked = 0;
  int64_t points = 1;
  for (int64_t at = 0; at < points; ++at) {
    const int64_t before = OpenFiles();
    asked = 0;
    const auto demuxer = Demuxer::Open(path, kFirstVideo, [&asked, at] { return asked++ >= at; });
    if (demuxer.ok()) {
      EXPECT_EQ(at + 1, points);
      break;
    }
    EXPECT_EQ(demuxer.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(OpenFiles(), before) << "stopped when asked for the " << at << "th time";
    points = at + 2;
  }
  EXPECT_GT(points, 3);  // asked before, between and after libavformat's two steps
}

TEST(DemuxerTest, AnInterruptionStopsOpeningAndReading) {
  const std::string path = ClipWithSound();
  bool stop = true;
  const auto interrupted = [&stop] { return stop; };
  EXPECT_EQ(Demuxer::Open(path, kFirstVideo, interrupted).status().code(),
            absl::StatusCode::kCancelled);
  stop = false;
  const auto demuxer = Demuxer::Open(path, kFirstVideo, interrupted);
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  stop = true;
  int64_t packets = 0;
  EXPECT_EQ(ReadAll(demuxer->get(), &packets).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(packets, 0);
}

TEST(DemuxerTest, WhatCannotBeOpenedHasAReason) {
  const std::string folder = TestFolder("bad");
  EXPECT_EQ(ReasonOf(Demuxer::Open(folder, kFirstVideo, nullptr).status()), kReasonUnreadable);
  EXPECT_EQ(ReasonOf(Demuxer::Open(folder + "/absent", kFirstVideo, nullptr).status()),
            kReasonNotFound);
  EXPECT_EQ(ReasonOf(Demuxer::Open(ClipWithSound(), "V:1", nullptr).status()), kReasonNoVideo);
}

// A pipe that nobody writes into would be waited for until the test's time is up.
TEST(DemuxerTest, WhatIsNoRegularFileIsRefusedAtOnceWithWhatItIs) {
  const std::string folder = TestFolder("kinds");
  const std::string pipe = folder + "/pipe.mp4";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_symlink("pipe.mp4", folder + "/link.mp4");
  for (const auto& [path, kind] : {std::pair<std::string, std::string>{pipe, "a pipe"},
                                   {folder + "/link.mp4", "a pipe"},
                                   {"/dev/zero", "a device"},
                                   {folder, "a folder"}}) {
    const absl::Status status = Demuxer::Open(path, kFirstVideo, nullptr).status();
    EXPECT_EQ(ReasonOf(status), kReasonUnreadable) << status;
    EXPECT_NE(status.message().find(path + ": this is " + kind), std::string::npos) << status;
  }
}

// A socket of this machine that would see an attempt to connect.
class Listener {
 public:
  Listener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ready_ = bind(socket_, any, size) == 0 && listen(socket_, 1) == 0 &&
             getsockname(socket_, any, &size) == 0;
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(socket_); }
  bool ready() const { return ready_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/a.ts"; }
  bool WasCalled() const {
    const int call = accept(socket_, nullptr, nullptr);
    if (call >= 0) close(call);
    return call >= 0;
  }

 private:
  const int socket_;
  bool ready_ = false;
  int port_ = 0;
};

TEST(DemuxerTest, NeitherANameNorAPlaylistReachesANetwork) {
  const Listener listener;
  if (!listener.ready()) GTEST_SKIP() << "no loopback interface";
  const std::string playlist = TestFolder("playlist") + "/list.m3u8";
  WriteTestFile(playlist, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + listener.url() +
                              "\n#EXT-X-ENDLIST\n");
  for (const std::string& path : {playlist, listener.url()}) {
    EXPECT_FALSE(Demuxer::Open(path, kFirstVideo, nullptr).ok()) << path;
    EXPECT_FALSE(listener.WasCalled()) << path;
  }
}

}  // namespace
}  // namespace slimreel
