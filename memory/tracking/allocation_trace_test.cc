#include "memory/tracking/allocation_trace.h"

#include <gtest/gtest.h>

#include <fstream>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/failing_new.h"

namespace slimreel {
namespace {

std::string PathOf(const std::string& name) { return testing::TempDir() + "/" + name; }

std::string WriteText(const std::string& name, const std::string& text) {
  std::ofstream(PathOf(name)) << text;
  return PathOf(name);
}

void Allocate(AllocationRecorder& recorder, AllocationKind kind, const void* data, int64_t bytes) {
  recorder.BeforeAllocate(kind, bytes);
  recorder.OnAllocate(kind, data, bytes);
}

AllocationTrace Recorded() {
  const char memory[4] = {};
  AllocationRecorder recorder;
  recorder.OnFree(AllocationKind::kTensor, memory + 3, 9);  // older than the recording
  Allocate(recorder, AllocationKind::kTensor, memory, 100);
  Allocate(recorder, AllocationKind::kCharge, nullptr, 7000);
  recorder.BeforeAllocate(AllocationKind::kTensor, 1 << 20);  // refused by the budget
  Allocate(recorder, AllocationKind::kTensor, memory + 1, 30);
  recorder.OnFree(AllocationKind::kTensor, memory, 100);
  recorder.OnFree(AllocationKind::kCharge, nullptr, 7000);
  Allocate(recorder, AllocationKind::kTensor, memory, 50);  // the same address again
  recorder.OnFree(AllocationKind::kTensor, memory + 1, 30);
  return recorder.Take("three blocks");
}

TEST(AllocationTraceTest, RecorderNumbersBlocksAndFreesWhatIsLeft) {
  const std::vector<AllocationEvent> expected = {{0, 100}, {1, 30}, {0, 0},
                                                 {2, 50},  {1, 0},  {2, 0}};
  EXPECT_EQ(Recorded().events, expected);
  EXPECT_EQ(Recorded().num_blocks(), 3);
  EXPECT_EQ(Recorded().allocated_bytes(), 180);
  EXPECT_EQ(Recorded().peak_bytes(), 130);
}

// Records 1000 blocks and frees every third. Operator new fails during the calls that must not
// fail, and once, at its `nth` call, in the others. Returns false once no call failed.
bool RecordsWithoutMemory(int64_t nth) {
  const std::vector<char> memory(1000);
  AllocationRecorder recorder;
  int64_t recorded = 0, refused = 0;
  for (const char& data : memory) {
    try {
      const FailingNew failing(nth);
      recorder.BeforeAllocate(AllocationKind::kTensor, 10);
    } catch (const std::bad_alloc&) {
      ++refused;  // and never allocated
      continue;
    }
    const FailingNew failing(0, FailingNew::kAllLater);
    recorder.OnAllocate(AllocationKind::kTensor, &data, 10);
    if (++recorded % 3 == 0) recorder.OnFree(AllocationKind::kTensor, &data, 10);
  }
  EXPECT_EQ(FailingNew::TakeNumFailed(), refused) << "each failure is one refusal";
  EXPECT_EQ(recorder.Take("").num_blocks(), recorded);
  return refused > 0;
}

TEST(AllocationTraceTest, RecorderTakesItsMemoryBeforeTheBlockExists) {
  int64_t nth = 0;
  while (RecordsWithoutMemory(nth)) ++nth;
  EXPECT_GT(nth, 0);
}

TEST(AllocationTraceTest, FileReadsBackToTheSame) {
  ASSERT_TRUE(WriteAllocationTrace(Recorded(), PathOf("ok.trace")).ok());
  const auto read = ReadAllocationTrace(PathOf("ok.trace"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->events, Recorded().events);
  EXPECT_EQ(read->description, "three blocks");
}

TEST(AllocationTraceTest, MalformedFileIsRefusedWithItsLine) {
  EXPECT_EQ(ReadAllocationTrace(PathOf("none.trace")).status().code(), absl::StatusCode::kNotFound);
  for (const auto& [text, line] :
       std::vector<std::pair<std::string, std::string>>{{"+100\n-0\n", ":1:"},
                                                        {"# x\n+100\n-0\n-0\n", ":4:"},
                                                        {"# x\n+100\n-1\n", ":3:"},
                                                        {"# x\n+0\n", ":2:"},
                                                        {"# x\n+100\nfree 0\n", ":3:"},
                                                        {"# x\n+100\n", ":2:"}}) {
    const absl::Status status = ReadAllocationTrace(WriteText("bad.trace", text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << text;
    EXPECT_NE(std::string(status.message()).find(line), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace slimreel
