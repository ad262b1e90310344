#include "data/decode/presentation_times.h"

#include <gtest/gtest.h>

#include <vector>

namespace slimreel {
namespace {

constexpr int64_t kStep = 40;
constexpr int64_t kFar = 10000;

// 50 frames at a constant rate; dts equals pts.
std::vector<FrameTime> Steady() {
  std::vector<FrameTime> frames;
  for (int64_t i = 0; i < 50; ++i) {
    frames.push_back({.pts = i * kStep, .dts = i * kStep, .best = i * kStep, .duration = kStep});
  }
  return frames;
}

std::vector<ChosenTime> ChooseAll(const std::vector<FrameTime>& frames,
                                  std::optional<int64_t> start = 0,
                                  std::optional<int64_t> end = std::nullopt) {
  PresentationTimes times(start, end, kFar);
  std::vector<ChosenTime> chosen;
  for (size_t i = 0; i < frames.size(); ++i) {
    chosen.push_back(times.Choose(frames[i], i + 1 < frames.size() ? &frames[i + 1] : nullptr));
  }
  return chosen;
}

// The times of Steady(), where those in `estimated` are estimates.
void ExpectSteady(const std::vector<ChosenTime>& chosen, const std::vector<int64_t>& estimated) {
  std::vector<int64_t> found;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const int64_t number = static_cast<int64_t>(i);
    EXPECT_EQ(chosen[i].pts, number * kStep) << i;
    if (chosen[i].estimated) found.push_back(number);
  }
  EXPECT_EQ(found, estimated);
}

TEST(PresentationTimesTest, GoodTimesAreKept) { ExpectSteady(ChooseAll(Steady()), {}); }

TEST(PresentationTimesTest, OnlyTheOutlierIsEstimatedWhereverItIs) {
  for (const int64_t at : {0, 1, 20, 49}) {
    for (const int64_t by : {7 * kStep, 900000 * kStep}) {
      if (at == 49 && by < kFar) continue;  // could also be a gap before the last frame
      std::vector<FrameTime> frames = Steady();
      *frames[at].pts += by;
      ExpectSteady(ChooseAll(frames), {at});
    }
  }
  std::vector<FrameTime> frames = Steady();
  *frames[20].pts -= 7 * kStep;
  ExpectSteady(ChooseAll(frames), {20});
}

// After the first outlier libavcodec's best effort switches to dts, which is one frame late here.
TEST(PresentationTimesTest, LaterTimesStayThoseOfTheContainer) {
  std::vector<FrameTime> frames = Steady();
  *frames[20].pts += 900000;
  for (size_t i = 21; i < frames.size(); ++i) *frames[i].best += kStep;
  ExpectSteady(ChooseAll(frames), {20});
}

TEST(PresentationTimesTest, SeveralOutliersInARowAreFoundByTheirDecodingTimes) {
  std::vector<FrameTime> frames = Steady();
  for (const size_t at : {20, 21, 22}) *frames[at].pts += 900000;
  ExpectSteady(ChooseAll(frames), {20, 21, 22});
}

// Frames that the codec holds until the end of the file have no dts.
TEST(PresentationTimesTest, TheLastFramesAreComparedWithTheStreamsEnd) {
  std::vector<FrameTime> frames = Steady();
  frames[48].dts = frames[49].dts = std::nullopt;
  *frames[49].pts += 900000;
  ExpectSteady(ChooseAll(frames, 0, 50 * kStep), {49});
  EXPECT_FALSE(ChooseAll(frames, 0, 50 * kStep + 900000)[49].estimated);
  EXPECT_FALSE(ChooseAll(frames)[49].estimated) << "it could also be a gap";
}

TEST(PresentationTimesTest, TrueGapsAreKept) {
  for (const int64_t gap : {6 * kStep, 900000 * kStep}) {
    for (const int64_t dts_late : {0, 1}) {  // the codec gives a frame before its dts has passed
      std::vector<FrameTime> frames = Steady();
      for (size_t i = 20; i < frames.size(); ++i) *frames[i].pts += gap;
      for (size_t i = 20 + dts_late; i < frames.size(); ++i) *frames[i].dts += gap;
      const auto chosen = ChooseAll(frames);
      for (size_t i = 0; i < frames.size(); ++i) {
        EXPECT_FALSE(chosen[i].estimated) << i;
        EXPECT_EQ(chosen[i].pts, *frames[i].pts) << i;
      }
    }
  }
}

TEST(PresentationTimesTest, MissingTimesAreContinuedByTheDuration) {
  std::vector<FrameTime> frames = Steady();
  for (const size_t at : {10, 11, 12, 49}) frames[at] = {.duration = kStep};
  ExpectSteady(ChooseAll(frames), {10, 11, 12, 49});
  ExpectSteady(ChooseAll(std::vector<FrameTime>(3, {.duration = kStep}), std::nullopt), {0, 1, 2});
}

TEST(PresentationTimesTest, AnEstimateStaysBelowTheNextFramesTime) {
  std::vector<FrameTime> frames = Steady();
  frames[20] = {};
  frames[19].duration = 10 * kStep;  // wrong: frame 21 comes earlier
  const auto chosen = ChooseAll(frames);
  EXPECT_EQ(chosen[20].pts, 20 * kStep);  // halfway
  EXPECT_FALSE(chosen[21].estimated);
}

TEST(PresentationTimesTest, TimesInDecodingOrderGiveWayToTheBestEffort) {
  std::vector<FrameTime> frames = Steady();
  // Every fourth picture is shown after three that were decoded later.
  for (size_t i = 0; i < frames.size(); ++i) {
    *frames[i].pts = kStep * static_cast<int64_t>(i % 4 == 3 ? i - 2 : i % 4 == 0 ? i : i + 1);
  }
  const auto chosen = ChooseAll(frames);
  for (size_t i = 1; i < frames.size(); ++i) {
    EXPECT_GE(chosen[i].pts, chosen[i - 1].pts) << i;
    if (i > 20) {
      EXPECT_EQ(chosen[i].pts, *frames[i].best) << i;
      EXPECT_FALSE(chosen[i].estimated) << i;
    }
  }
}

TEST(PresentationTimesTest, AStreamThatStartsAgainIsContinued) {
  std::vector<FrameTime> frames = Steady();
  const std::vector<FrameTime> again = Steady();
  frames.insert(frames.end(), again.begin(), again.end());
  const auto chosen = ChooseAll(frames);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(chosen[i].pts, static_cast<int64_t>(i) * kStep);
    EXPECT_EQ(chosen[i].estimated, i >= 50);
  }
}

}  // namespace
}  // namespace slimreel
