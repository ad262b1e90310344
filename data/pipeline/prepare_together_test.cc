// Several processes prepare into one folder at the same time.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/file_lock.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/dataset_info.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Lets one process tell another that it may continue. Each process closes the end that it does not
// use, so that the wait ends if the other process dies.
class Gate {
 public:
  Gate() { EXPECT_EQ(pipe(ends_), 0); }
  ~Gate() {
    CloseWaiting();
    CloseOpening();
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void Open() const {
    const char any = 'x';
    if (write(ends_[1], &any, 1) != 1) abort();
  }
  // False: the process that should open the gate has died.
  bool Wait() const {
    char any = 0;
    return read(ends_[0], &any, 1) == 1;
  }
  void CloseWaiting() { Close(&ends_[0]); }
  void CloseOpening() { Close(&ends_[1]); }

 private:
  static void Close(int* end) {
    if (*end >= 0) close(*end);
    *end = -1;
  }
  int ends_[2];
};

class PrepareTogetherTest : public PrepareTest {
 protected:
  void SetUp() override {
    PrepareTest::SetUp();
    fs::create_directories(root_ + "/val/right");
    fs::copy(root_ + "/in/right/a.mp4", root_ + "/val/right/a.mp4");
  }

  // Without another split in the folder, its only class would have the number 0.
  PrepareOptions ValOptions(const std::string& output) const {
    PrepareOptions options = Options(output);
    options.inputs = {root_ + "/val"};
    options.split = "val";
    return options;
  }

  // Starts a process that prepares `train` and waits in the middle until go_on_ is opened.
  pid_t StartTrain() {
    const pid_t child = fork();
    if (child != 0) {
      started_.CloseOpening();
      // The other gate keeps both ends, so that opening it for a dead process gives no SIGPIPE.
      EXPECT_TRUE(started_.Wait()) << "the child has died";
      return child;
    }
    started_.CloseWaiting();
    go_on_.CloseOpening();
    PrepareOptions options = Options("out");
    int calls = 0;
    options.on_progress = [&](const PrepareProgress&) {
      if (++calls != 3) return;
      started_.Open();
      if (!go_on_.Wait()) _exit(2);
    };
    _exit(Prepare(options).ok() ? 0 : 1);
  }

  static int StatusOf(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  Gate started_, go_on_;
};

TEST_F(PrepareTogetherTest, TwoSplitsAtOnceGiveTheBytesOfOneAfterTheOther) {
  const pid_t train = StartTrain();
  const auto val = Prepare(ValOptions("out"));  // begins and ends while train is running
  EXPECT_TRUE(val.ok()) << val.status();
  EXPECT_EQ(ReadDatasetInfo(root_ + "/out")->splits.count("val"), 1u);
  go_on_.Open();
  ASSERT_EQ(StatusOf(train), 0);
  EXPECT_EQ(ReadDatasetInfo(root_ + "/out")->splits.size(), 2u);
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  ASSERT_TRUE(Prepare(ValOptions("fresh")).ok());
  ExpectSame("out", "fresh");
}

TEST_F(PrepareTogetherTest, OtherOptionsThanThoseOfARunningSplitAreRefusedAtOnce) {
  const pid_t train = StartTrain();
  PrepareOptions options = ValOptions("out");
  options.data.max_video_frames = 20;
  const absl::Status refused = Prepare(options).status();
  go_on_.Open();
  ASSERT_EQ(StatusOf(train), 0);
  EXPECT_EQ(ExitCodeOf(refused), ExitCode::kUsage) << refused;
  EXPECT_NE(refused.message().find("its split train"), std::string::npos) << refused;
  EXPECT_EQ(ReadDatasetInfo(root_ + "/out")->splits.size(), 1u);
}

// A preparation that waits for the lock of dataset.json reacts to the stop signal.
TEST_F(PrepareTogetherTest, AStopEndsTheWaitForAnotherProcess) {
  fs::create_directories(root_ + "/out");
  const auto holder = FileLock::Try(DatasetInfoLockPath(root_ + "/out"));
  ASSERT_TRUE(holder.ok() && *holder != nullptr) << holder.status();
  PrepareOptions options = Options("out");
  int asked = 0;
  options.interrupted = [&] { return ++asked == 2; };
  const absl::Status stopped = Prepare(options).status();
  EXPECT_EQ(ExitCodeOf(stopped), ExitCode::kStopped) << stopped;
}

// In either order, the folder has the classes of the labelled split.
TEST_F(PrepareTogetherTest, ASplitWithoutLabelsFitsBesideALabelledOne) {
  fs::create_directories(root_ + "/flat");
  fs::copy(root_ + "/in/right/a.mp4", root_ + "/flat/a.mp4");
  PrepareOptions flat = ValOptions("out");
  flat.inputs = {root_ + "/flat"};
  ASSERT_TRUE(Prepare(flat).ok());
  EXPECT_TRUE(ReadDatasetInfo(root_ + "/out")->classes.empty());
  const auto labelled = Prepare(Options("out"));
  ASSERT_TRUE(labelled.ok()) << labelled.status();
  const auto again = Prepare(flat);
  ASSERT_TRUE(again.ok()) << again.status();
  const auto info = ReadDatasetInfo(root_ + "/out");
  EXPECT_EQ(info->classes, (std::vector<std::string>{"left", "right"}));
  EXPECT_EQ(info->splits.size(), 2u);
}

TEST_F(PrepareTogetherTest, PreparingTheSameSplitTwiceIsRefusedWithTheRemedy) {
  const pid_t train = StartTrain();
  const absl::Status refused = Prepare(Options("out")).status();
  go_on_.Open();
  ASSERT_EQ(StatusOf(train), 0);
  EXPECT_EQ(ExitCodeOf(refused), ExitCode::kUsage) << refused;
  EXPECT_NE(refused.message().find("wait for it to end"), std::string::npos) << refused;
  EXPECT_TRUE(Prepare(Options("out")).ok());
}

TEST_F(PrepareTogetherTest, AKilledProcessLeavesNoClaimAndNoLock) {
  const pid_t train = StartTrain();
  kill(train, SIGKILL);
  EXPECT_TRUE(WIFSIGNALED(StatusOf(train)));
  // No process claims classes any more, so `right` is class 0.
  ASSERT_TRUE(Prepare(ValOptions("out")).ok());
  auto val = ShardDataset::Open(root_ + "/out", "val");
  ASSERT_TRUE(val.ok()) << val.status();
  EXPECT_EQ((*val)->sample(0).label, 0);
  fs::remove_all(root_ + "/in/left");
  const auto again = Prepare(Options("out"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ReadDatasetInfo(root_ + "/out")->splits.size(), 2u);
}

}  // namespace
}  // namespace slimreel
