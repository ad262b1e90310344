// Reads the files with a parser of its own: records, CRC-32C by bits, and messages.
#include "trainer/observers/tensorboard_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/test_files.h"
#include "gtest/gtest.h"
#include "trainer/observers/event_files.h"
#include "trainer/observers/event_message.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// The definition of CRC-32C, bit by bit.
uint32_t Crc32c(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
  }
  return ~crc;
}

uint32_t Masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

template <typename Number>
Number Take(const std::string& bytes, size_t* at) {
  Number number{};
  EXPECT_LE(*at + sizeof(number), bytes.size());
  if (*at + sizeof(number) <= bytes.size())
    std::memcpy(&number, bytes.data() + *at, sizeof(number));
  *at += sizeof(number);
  return number;
}

uint64_t TakeVarint(const std::string& bytes, size_t* at) {
  uint64_t value = 0;
  for (int shift = 0; *at < bytes.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[(*at)++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

// The messages of a file. Every length and every checksum must be right.
std::vector<std::string> Messages(const std::string& path) {
  const std::string bytes = ReadTestFile(path);
  std::vector<std::string> messages;
  for (size_t at = 0; at < bytes.size();) {
    const std::string length_bytes = bytes.substr(at, 8);
    const auto length = Take<uint64_t>(bytes, &at);
    EXPECT_EQ(Take<uint32_t>(bytes, &at), Masked(Crc32c(length_bytes)));
    messages.push_back(bytes.substr(at, length));
    at += length;
    EXPECT_EQ(Take<uint32_t>(bytes, &at), Masked(Crc32c(messages.back())));
  }
  return messages;
}

struct Event {
  double wall_time = 0.0;
  int64_t step = 0;
  std::string file_version;
  uint64_t session_status = 0;
  std::map<std::string, float> scalars;
};

void ParseValue(const std::string& value, Event* event) {
  size_t at = 0;
  std::string tag;
  while (at < value.size()) {
    const uint64_t key = TakeVarint(value, &at);
    if (key == (1 << 3 | 2)) {  // tag
      const uint64_t size = TakeVarint(value, &at);
      tag = value.substr(at, size);
      at += size;
    } else {  // simple_value
      ASSERT_EQ(key, 2 << 3 | 5);
      EXPECT_TRUE(event->scalars.emplace(tag, Take<float>(value, &at)).second) << tag << " twice";
    }
  }
}

Event Parse(const std::string& message) {
  Event event;
  for (size_t at = 0; at < message.size();) {
    const uint64_t key = TakeVarint(message, &at);
    if (key == (1 << 3 | 1)) {
      event.wall_time = Take<double>(message, &at);
      continue;
    }
    if (key == (2 << 3 | 0)) {
      event.step = static_cast<int64_t>(TakeVarint(message, &at));
      continue;
    }
    const uint64_t size = TakeVarint(message, &at);
    const std::string field = message.substr(at, size);
    at += size;
    if (key == (3 << 3 | 2)) {
      event.file_version = field;
    } else if (key == (7 << 3 | 2)) {
      size_t inside = 1;
      event.session_status = TakeVarint(field, &inside);
    } else {
      EXPECT_EQ(key, 5 << 3 | 2) << "an unknown field";
      for (size_t inside = 0; inside < field.size();) {
        EXPECT_EQ(TakeVarint(field, &inside), 1 << 3 | 2);
        const uint64_t value_size = TakeVarint(field, &inside);
        ParseValue(field.substr(inside, value_size), &event);
        inside += value_size;
      }
    }
  }
  return event;
}

std::vector<std::string> Paths(const std::string& run) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(run + "/tensorboard")) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<Event> EventsOf(const std::string& path) {
  std::vector<Event> events;
  for (const std::string& message : Messages(path)) events.push_back(Parse(message));
  return events;
}

// The steps of the run's events that hold `tag`, over all files in their order.
std::vector<int64_t> StepsOf(const std::string& run, const std::string& tag) {
  std::vector<int64_t> steps;
  for (const std::string& path : Paths(run)) {
    for (const Event& event : EventsOf(path)) {
      if (event.scalars.count(tag) > 0) steps.push_back(event.step);
    }
  }
  return steps;
}

StepRecord Step(int64_t step) {
  return {.step = step,
          .epoch = 0,
          .loss = 1.0 / static_cast<double>(step),
          .grad_norm = 2.5,
          .lr = 1e-3,
          .samples = 8,
          .step_ms = 40.0,
          .micro_batch = 4,
          .oom_retries = step == 3 ? 1 : 0};
}

std::unique_ptr<Observer> Writer(const std::string& run, int64_t resumed_step) {
  auto writer = MakeTensorboardWriter(run, {.resumed_step = resumed_step, .memory_every_steps = 5});
  EXPECT_TRUE(writer.ok()) << writer.status();
  return *std::move(writer);
}

void Write(const std::string& run, int64_t resumed, int64_t last) {
  const auto writer = Writer(run, resumed);
  for (int64_t step = resumed + 1; step <= last; ++step) {
    ASSERT_TRUE(writer->OnStep(Step(step), {}).ok());
  }
  ASSERT_TRUE(writer->Flush().ok());
}

std::vector<int64_t> UpTo(int64_t last) {
  std::vector<int64_t> steps;
  for (int64_t step = 1; step <= last; ++step) steps.push_back(step);
  return steps;
}

TEST(TensorboardTest, TheTestsOwnChecksumGivesThePublishedValue) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
}

TEST(TensorboardTest, AFileBeginsWithItsVersionAndHoldsTheStepsValues) {
  const std::string run = TestFolder("run");
  Write(run, 0, 2);
  const std::vector<Event> events = EventsOf(Paths(run).at(0));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_TRUE(events[0].scalars.empty());
  EXPECT_GT(events[0].wall_time, 1.7e9);
  EXPECT_LE(events[0].wall_time, events[2].wall_time);
  EXPECT_EQ(events[2].step, 2);
  EXPECT_EQ(events[2].scalars, (std::map<std::string, float>{{"train/loss", 0.5f},
                                                             {"train/lr", 1e-3f},
                                                             {"train/grad_norm", 2.5f},
                                                             {"train/samples_per_second", 200.0f},
                                                             {"train/step_ms", 40.0f}}));
}

TEST(TensorboardTest, MemoryIsWrittenAtLoggedAndRetriedSteps) {
  const std::string run = TestFolder("run");
  const auto writer = Writer(run, 0);
  MemoryRecord memory;
  memory.live_bytes = 21;
  memory.peak_bytes = 42;
  memory.live_by_tag = {1, 2, 3, 4, 5, 6};
  memory.peak_by_tag = {2, 4, 6, 8, 10, 12};
  At(memory.peak_by_phase, MemoryPhase::kEvaluate) = {.bytes = 42, .by_tag = memory.peak_by_tag};
  for (int64_t step = 1; step <= 5; ++step) ASSERT_TRUE(writer->OnStep(Step(step), memory).ok());
  ASSERT_TRUE(writer->Flush().ok());
  EXPECT_EQ(StepsOf(run, "train/loss"), UpTo(5));
  EXPECT_EQ(StepsOf(run, "memory/peak_bytes"), (std::vector<int64_t>{3, 5}));
  const std::map<std::string, float> scalars = EventsOf(Paths(run).at(0)).back().scalars;
  EXPECT_EQ(scalars.at("memory/live_bytes"), 21);
  EXPECT_EQ(scalars.at("memory/live/activations"), 5);
  EXPECT_EQ(scalars.at("memory/peak/parameters"), 4);
  EXPECT_EQ(scalars.at("memory/peak/other"), 2);
  EXPECT_EQ(scalars.at("memory/phase/evaluate"), 42);
  EXPECT_EQ(scalars.count("memory/phase/save"), 0u) << "nothing was allocated in it";
  EXPECT_EQ(scalars.count("memory/budget_bytes"), 0u) << "there is none";
}

TEST(TensorboardTest, AnEvaluationAndWhatFp16AddsHaveTheirNames) {
  const std::string run = TestFolder("run");
  const auto writer = Writer(run, 0);
  StepRecord step = Step(1);
  step.loss_scale = 65536.0;
  step.loss = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(writer->OnStep(step, {}).ok());
  EvaluationRecord evaluation{.step = 1, .epoch = 1, .metrics = {}, .seconds = 2.0};
  evaluation.metrics.values = {{"top1", 0.75}, {"clip_loss", 2.0}};
  ASSERT_TRUE(writer->OnEvaluation(evaluation).ok());
  ASSERT_TRUE(writer->OnEnd({}).ok());
  const std::vector<Event> events = EventsOf(Paths(run).at(0));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].scalars.at("train/loss_scale"), 65536.0f);
  EXPECT_TRUE(std::isnan(events[1].scalars.at("train/loss")));
  EXPECT_EQ(events[2].step, 1);
  EXPECT_EQ(events[2].scalars,
            (std::map<std::string, float>{{"val/top1", 0.75f}, {"val/clip_loss", 2.0f}}));
}

TEST(TensorboardTest, EachStepIsThereOnceAfterResumesFromEarlierCheckpoints) {
  const std::string run = TestFolder("run");
  Write(run, 0, 7);
  Write(run, 4, 9);
  EXPECT_EQ(StepsOf(run, "train/loss"), UpTo(9));
  ASSERT_EQ(Paths(run).size(), 2u);
  const std::vector<Event> second = EventsOf(Paths(run).at(1));
  EXPECT_EQ(second[1].session_status, 1u) << "a viewer drops what it has read of later steps";
  EXPECT_EQ(second[1].step, 5);
  Write(run, 2, 3);  // before the second file's first step, which is removed
  EXPECT_EQ(StepsOf(run, "train/loss"), UpTo(3));
  EXPECT_EQ(Paths(run).size(), 2u);
}

TEST(TensorboardTest, ANewRunRemovesTheEventsOfTheRunBefore) {
  const std::string run = TestFolder("run");
  Write(run, 0, 3);
  std::ofstream(run + "/tensorboard/events.out.tfevents.1.somebody") << "not ours";
  Write(run, 0, 1);
  EXPECT_EQ(Paths(run).size(), 2u);
  EXPECT_EQ(ReadTestFile(run + "/tensorboard/events.out.tfevents.1.somebody"), "not ours");
  fs::remove(run + "/tensorboard/events.out.tfevents.1.somebody");
  EXPECT_EQ(StepsOf(run, "train/loss"), UpTo(1));
}

// A kill may end a file anywhere.
TEST(TensorboardTest, AFileThatIsCutAnywhereKeepsTheWholeEventsBefore) {
  const std::string run = TestFolder("run");
  Write(run, 0, 3);
  const std::string path = Paths(run).at(0);
  const std::string whole = ReadTestFile(path);
  const std::vector<std::string> messages = Messages(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    fs::remove_all(run + "/tensorboard");
    fs::create_directories(run + "/tensorboard");
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    int64_t intact = -1;  // events after the version
    for (size_t end = 0, i = 0; i < messages.size(); ++i) {
      end += messages[i].size() + 16;
      if (end <= size) intact = static_cast<int64_t>(i);
    }
    Write(run, 3, 4);
    std::vector<int64_t> expected = UpTo(std::max<int64_t>(intact, 0));
    expected.push_back(4);
    ASSERT_EQ(StepsOf(run, "train/loss"), expected) << size << " bytes";
  }
}

TEST(TensorboardTest, ADamagedEventGoesWithAllThatFollowIt) {
  const std::string run = TestFolder("run");
  Write(run, 0, 5);
  const std::string path = Paths(run).at(0);
  std::string bytes = ReadTestFile(path);
  const size_t third = Messages(path)[0].size() + Messages(path)[1].size() + 2 * 16 + 12;
  bytes[third + 20] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  Write(run, 5, 6);
  EXPECT_EQ(StepsOf(run, "train/loss"), (std::vector<int64_t>{1, 6}));
}

TEST(TensorboardTest, AnUnwritableFolderIsAnErrorThatNamesIt) {
  const auto writer = MakeTensorboardWriter("/proc/run", {});
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.status().message().find("/proc/run/tensorboard"), std::string::npos)
      << writer.status();
}

TEST(EventMessageTest, BytesThatAreNoEventHaveNoStep) {
  EXPECT_EQ(StepOfScalars(ScalarsEvent(1.0, 300, {{"a", 1.0}})), 300);
  EXPECT_EQ(StepOfScalars(SessionStartEvent(1.0, 7)), -1);
  EXPECT_EQ(StepOfScalars(FileVersionEvent(1.0)), -1);
  const std::string event = ScalarsEvent(1.0, 300, {{"a", 1.0}});
  for (const size_t size : {size_t{1}, size_t{5}, size_t{10}, event.size() - 1}) {
    EXPECT_FALSE(StepOfScalars(event.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(StepOfScalars(std::string(11, '\xff')).has_value());
  EXPECT_FALSE(StepOfScalars("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").has_value());
}

}  // namespace
}  // namespace slimreel
