#include "data/decode/demuxer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
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

// 25 frames of 64 x 48, interleaved with sound.
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

// Users read the message in prepare_report.jsonl.
TEST(DemuxerTest, AFileThatCannotBeOpenedSaysWhyAndWhatToTry) {
  const std::string path = TestFolder("cannot_be_opened") + "/cut.mp4";
  WriteTestFile(path, ReadTestFile(ClipWithSound("-f mp4")).substr(0, 3000));
  const absl::Status status = Demuxer::Open(path, kFirstVideo, {}).status();
  EXPECT_EQ(ReasonOf(status), kReasonNotMedia);
  EXPECT_EQ(std::string(status.message()),
            path +
                ": FFmpeg cannot open it as a media file (Invalid data found when processing "
                "input); check that it is complete and a video. Playlists and lists of files are "
                "not read");
}

TEST(DemuxerTest, OnlyPacketsOfTheStreamComeOut) {
  const auto demuxer = Demuxer::Open(ClipWithSound(), kFirstVideo, {});
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  EXPECT_EQ((*demuxer)->stream()->index, 1);  // stream 0 is the sound
  int64_t packets = 0;
  ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
  EXPECT_EQ(packets, 25);
  EXPECT_EQ((*demuxer)->packets(), 25);
  EXPECT_FALSE((*demuxer)->truncated());
}

TEST(DemuxerTest, ACoverPictureIsNotAVideoStream) {
  const std::string folder = TestFolder("cover");
  RunFfmpeg("-f lavfi -i color=red:size=200x200 -frames:v 1 " + folder + "/cover.png");
  RunFfmpeg("-i " + folder + "/cover.png -i " + ClipWithSound() +
            " -map 0 -map 1:v -c copy -disposition:v:0 attached_pic " + folder + "/covered.mp4");
  const auto demuxer = Demuxer::Open(folder + "/covered.mp4", kFirstVideo, {});
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  EXPECT_EQ((*demuxer)->stream()->codecpar->width, 64);
}

TEST(DemuxerTest, AnMp4CutInsideItsIndexedFramesIsTruncated) {
  const std::string path = ClipWithSound("-movflags +faststart");
  const std::string bytes = ReadTestFile(path);
  WriteTestFile(path, bytes.substr(0, bytes.size() / 2));
  const auto demuxer = Demuxer::Open(path, kFirstVideo, {});
  ASSERT_TRUE(demuxer.ok()) << demuxer.status();
  int64_t packets = 0;
  ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
  EXPECT_LT(packets, 25);
  EXPECT_TRUE((*demuxer)->truncated());
}

TEST(DemuxerTest, AMatroskaFileShorterThanItsSegmentIsTruncated) {
  const std::string folder = TestFolder("matroska");
  for (const char* name : {"/clip.mkv", "/clip.webm"}) {
    const std::string path = folder + name;
    RunFfmpeg("-f lavfi -i testsrc2=size=64x48:rate=25:duration=1 " + path);
    const std::string bytes = ReadTestFile(path);
    for (const bool cut : {false, true}) {
      WriteTestFile(path, bytes.substr(0, cut ? bytes.size() / 2 : bytes.size()));
      const auto demuxer = Demuxer::Open(path, kFirstVideo, {});
      ASSERT_TRUE(demuxer.ok()) << demuxer.status();
      int64_t packets = 0;
      ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
      EXPECT_EQ(packets < 25, cut);
      EXPECT_EQ((*demuxer)->truncated(), cut);
    }
  }
}

// The number of open files of this process. A leaked context keeps its file open.
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
    const auto demuxer = Demuxer::Open(
        path, kFirstVideo, {.watch = {.interrupted = [&asked, at] { return asked++ >= at; }}});
    if (demuxer.ok()) {
      EXPECT_EQ(at + 1, points);
      break;
    }
    EXPECT_EQ(demuxer.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(OpenFiles(), before) << "stopped when asked for the " << at << "th time";
    points = at + 2;
  }
  EXPECT_GT(points, 3);  // polled before, between and after libavformat's two steps
}

TEST(DemuxerTest, AnInterruptionStopsOpeningAndReading) {
  const std::string path = ClipWithSound();
  bool stop = true;
  const DemuxerOptions interrupted = {.watch = {.interrupted = [&stop] { return stop; }}};
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

TEST(DemuxerTest, AFileThatCannotBeOpenedGivesAReason) {
  const std::string folder = TestFolder("bad");
  EXPECT_EQ(ReasonOf(Demuxer::Open(folder, kFirstVideo, {}).status()), kReasonUnreadable);
  EXPECT_EQ(ReasonOf(Demuxer::Open(folder + "/absent", kFirstVideo, {}).status()), kReasonNotFound);
  EXPECT_EQ(ReasonOf(Demuxer::Open(ClipWithSound(), "V:1", {}).status()), kReasonNoVideo);
}

// Nobody writes into the pipe. If the code waited for it, the test would time out.
TEST(DemuxerTest, AnythingButARegularFileIsRefusedAtOnceAndNamed) {
  const std::string folder = TestFolder("kinds");
  const std::string pipe = folder + "/pipe.mp4";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_symlink("pipe.mp4", folder + "/link.mp4");
  for (const auto& [path, kind] : {std::pair<std::string, std::string>{pipe, "a pipe"},
                                   {folder + "/link.mp4", "a pipe"},
                                   {"/dev/zero", "a device"},
                                   {folder, "a folder"}}) {
    const absl::Status status = Demuxer::Open(path, kFirstVideo, {}).status();
    EXPECT_EQ(ReasonOf(status), kReasonUnreadable) << status;
    EXPECT_NE(status.message().find(path + ": this is " + kind), std::string::npos) << status;
  }
}

// The tail of the MP4 must be read to open it. Its disk fails from `bad_at` on.
TEST(DemuxerTest, AFailingDiskIsNotATruncatedFile) {
  const std::string path = ClipWithSound("-movflags +faststart");
  const int64_t bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  int64_t bad_at = bytes;
  int error_number = EIO;
  const DemuxerOptions failing = {
      .read = [&](int file, void* to, size_t count, off_t at) -> ssize_t {
        if (at < bad_at) return pread(file, to, std::min<size_t>(count, bad_at - at), at);
        errno = error_number;
        return bad_at == bytes ? 0 : -1;
      }};
  int64_t packets = 0;
  const auto sound = Demuxer::Open(path, kFirstVideo, failing);
  ASSERT_TRUE(sound.ok()) << sound.status();
  ASSERT_TRUE(ReadAll(sound->get(), &packets).ok());
  EXPECT_EQ(packets, 25);

  for (bad_at = 0; bad_at <= bytes / 8 * 7; bad_at += bytes / 8) {
    for (error_number = EIO; error_number != 0; error_number = error_number == EIO ? ESTALE : 0) {
      const auto demuxer = Demuxer::Open(path, kFirstVideo, failing);
      const absl::Status status =
          demuxer.ok() ? ReadAll(demuxer->get(), &packets) : demuxer.status();
      EXPECT_EQ(ReasonOf(status), kReasonIoError) << bad_at << ": " << status;
    }
    error_number = ENOMEM;  // from the kernel, which has no buffers for a network disk
    const auto demuxer = Demuxer::Open(path, kFirstVideo, failing);
    EXPECT_TRUE(
        IsMachineError(demuxer.ok() ? ReadAll(demuxer->get(), &packets) : demuxer.status()));
  }
}

TEST(DemuxerTest, ALackOfDescriptorsIsNotTheFilesError) {
  const std::string path = ClipWithSound();
  // In a child process, because the limit cannot be raised again.
  EXPECT_EXIT(
      {
        rlimit limit = {};
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 3;  // 0 to 2 are open
        setrlimit(RLIMIT_NOFILE, &limit);
        const absl::Status status = Demuxer::Open(path, kFirstVideo, {}).status();
        std::_Exit(IsMachineError(status) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// A 37-byte list that names itself, and a playlist without an end. Both have names of videos.
TEST(DemuxerTest, ListsOfFilesAreRefusedAndOpenNothing) {
  const std::string folder = TestFolder("lists");
  std::filesystem::copy_file(ClipWithSound("-f mpegts"), folder + "/part.ts");
  WriteTestFile(folder + "/a.mp4", "ffconcat version 1.0\nfile a.mp4\n");
  WriteTestFile(folder + "/live.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n");
  WriteTestFile(folder + "/text.txt", "nothing that moves\n");
  for (const char* name : {"/a.mp4", "/live.mp4", "/text.txt"}) {
    const int64_t before = OpenFiles();
    int64_t polls = 0;
    const auto never_ends = [&polls] { return ++polls > 10000; };
    const absl::Status status =
        Demuxer::Open(folder + name, kFirstVideo, {.watch = {.interrupted = never_ends}}).status();
    EXPECT_EQ(ReasonOf(status), kReasonNotMedia) << name << ": " << status;
    EXPECT_EQ(OpenFiles(), before);
  }
}

TEST(DemuxerTest, ContainersThatUsersHaveAreOpened) {
  const std::string folder = TestFolder("kinds_of_media");
  const std::string video = "-f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 3 ";
  for (const char* kind : {"-c:v libx264 clip.mp4",
                           "-c:v mpeg4 clip.mov",
                           "-c:v mpeg4 clip.3gp",
                           "-c:v mpeg4 clip.avi",
                           "-c:v libx264 clip.mkv",
                           "-c:v libvpx clip.webm",
                           "-c:v libx264 clip.ts",
                           "-c:v libx264 clip.m2ts",
                           "-c:v mpeg2video clip.mpg",
                           "-c:v mpeg2video clip.vob",
                           "-c:v mpeg2video clip.m2v",
                           "-c:v mpeg4 clip.m4v",
                           "-c:v libx264 clip.h264",
                           "-c:v libx265 -x265-params log-level=none clip.hevc",
                           "-c:v libvpx clip.ivf",
                           "-c:v flv clip.flv",
                           "-c:v wmv2 clip.wmv",
                           "-c:v wmv2 clip.asf",
                           "-c:v libtheora clip.ogv",
                           "-c:v gif clip.gif",
                           "-c:v apng clip.apng",
                           "-c:v mpeg2video clip.mxf",
                           "-c:v ffv1 clip.nut",
                           "-c:v rv10 clip.rm",
                           "-c:v mpeg2video clip.wtv",
                           "-pix_fmt yuv420p clip.y4m",
                           "-c:v mjpeg -f mjpeg clip.mjpeg",
                           "-s 720x576 -r 25 -pix_fmt yuv420p clip.dv"}) {
    const std::string text = kind;
    const std::string name = text.substr(text.rfind(' ') + 1);
    RunFfmpeg(video + text.substr(0, text.size() - name.size()) + folder + "/" + name);
    const auto demuxer = Demuxer::Open(folder + "/" + name, kFirstVideo, {});
    ASSERT_TRUE(demuxer.ok()) << demuxer.status();
    int64_t packets = 0;
    EXPECT_TRUE(ReadAll(demuxer->get(), &packets).ok()) << name;
    EXPECT_GT(packets, 0) << name;
    EXPECT_FALSE((*demuxer)->truncated()) << name;
  }
}

// Each poll advances the clock by a second.
TEST(DemuxerTest, AFileThatGivesNoFrameInTimeIsGivenUp) {
  int64_t now_us = 0;
  ProgressWatchOptions slow = {.timeout_us = 2'000'000,
                               .clock_us = [&now_us] { return now_us += 1'000'000; }};
  const absl::Status status = Demuxer::Open(ClipWithSound(), kFirstVideo, {.watch = slow}).status();
  EXPECT_EQ(ReasonOf(status), kReasonNoProgress) << status;
  EXPECT_TRUE(ReasonMayPass(ReasonOf(status)));
}

TEST(DemuxerTest, WholeFilesJoinedEndToEndAreNotTruncated) {
  const std::string folder = TestFolder("joined");
  for (const char* name : {"clip.ts", "clip.mkv", "clip.webm", "clip.avi", "clip.mp4", "clip.mpg",
                           "clip.h264", "clip.flv", "clip.mxf", "clip.wmv", "clip.gif"}) {
    const std::string path = folder + "/" + name;
    RunFfmpeg("-f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 25 " + path);
    const std::string whole = ReadTestFile(path);
    for (const std::string& joined : {whole + whole, whole + "something behind it"}) {
      WriteTestFile(path, joined);
      const auto demuxer = Demuxer::Open(path, kFirstVideo, {});
      ASSERT_TRUE(demuxer.ok()) << demuxer.status();
      int64_t packets = 0;
      ASSERT_TRUE(ReadAll(demuxer->get(), &packets).ok());
      EXPECT_GE(packets, 25) << name;
      EXPECT_FALSE((*demuxer)->truncated()) << name << ", " << packets << " packets";
    }
  }
}

// A listening local socket, which would notice an attempt to connect.
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
    EXPECT_FALSE(Demuxer::Open(path, kFirstVideo, {}).ok()) << path;
    EXPECT_FALSE(listener.WasCalled()) << path;
  }
}

}  // namespace
}  // namespace slimreel
