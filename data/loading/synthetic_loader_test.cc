// Tests "synthetic:N" as the trainer uses it.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "data/loading/loader.h"

namespace slimreel {
namespace {

TEST(SyntheticLoaderTest, SamplesAreFunctionsOfSeedAndNumber) {
  LoaderOptions options;
  options.sources = {"synthetic:20"};
  options.height = options.width = 9;
  options.num_frames = 3;
  options.batch_size = 20;
  options.num_classes = 5;
  options.sampling = Sampling::kSequential;
  const Batch first = *(*Loader::Open(options))->Next();
  options.batch_size = 3;
  auto loader = *Loader::Open(options);
  loader->Seek({4, 7});
  const Batch part = *loader->Next();
  EXPECT_TRUE(at::equal(part.clips, first.clips.slice(0, 7, 10)));
  EXPECT_TRUE(at::equal(part.labels, first.labels.slice(0, 7, 10)));
  EXPECT_FALSE(at::equal(first.clips[0], first.clips[1]));
  const int64_t* labels = first.labels.data_ptr<int64_t>();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(labels[i] >= 0 && labels[i] < 5);
  options.seed = 1;
  EXPECT_FALSE(at::equal((*Loader::Open(options))->Next()->clips, first.clips.slice(0, 0, 3)));
}

TEST(SyntheticLoaderTest, EveryInputIsAFunctionOfSeedAndSample) {
  LoaderOptions options;
  options.sources = {"synthetic:20"};
  options.frames = false;
  options.keypoints = {.persons = 2, .frames = 4, .joints = 17, .heatmap_size = 48};
  options.log_mel = {.mels = 5, .frames = 9};
  options.tokens = {.length = 7, .vocabulary = 30};
  options.batch_size = 20;
  options.sampling = Sampling::kSequential;
  const Batch first = *(*Loader::Open(options))->Next();
  EXPECT_FALSE(first.clips.defined());
  EXPECT_EQ(first.keypoints.sizes(), (std::vector<int64_t>{20, 2, 4, 17, 3}));
  EXPECT_EQ(first.log_mel.sizes(), (std::vector<int64_t>{20, 5, 9}));
  EXPECT_EQ(first.tokens.sizes(), (std::vector<int64_t>{20, 7}));
  EXPECT_EQ(first.labels.sizes(), (std::vector<int64_t>{20, 7}));
  options.batch_size = 3;
  auto loader = *Loader::Open(options);
  loader->Seek({4, 7});
  const Batch part = *loader->Next();
  const auto same = [](const at::Tensor& a, const at::Tensor& all) {
    return at::equal(a, all.slice(0, 7, 10));
  };
  EXPECT_TRUE(same(part.keypoints, first.keypoints));
  EXPECT_TRUE(same(part.log_mel, first.log_mel));
  EXPECT_TRUE(same(part.tokens, first.tokens));
  EXPECT_TRUE(same(part.labels, first.labels));
  options.seed = 1;
  const Batch other = *(*Loader::Open(options))->Next();
  EXPECT_FALSE(at::equal(other.keypoints, first.keypoints.slice(0, 0, 3)));
  EXPECT_FALSE(at::equal(other.log_mel, first.log_mel.slice(0, 0, 3)));
  EXPECT_FALSE(at::equal(other.labels, first.labels.slice(0, 0, 3)));
}

TEST(SyntheticLoaderTest, TokensAreTheLabelsShiftedRight) {
  LoaderOptions options;
  options.sources = {"synthetic:50"};
  options.frames = false;
  options.tokens = {.length = 9, .vocabulary = 12};
  options.batch_size = 50;
  const Batch batch = *(*Loader::Open(options))->Next();
  const auto tokens = batch.tokens.accessor<int64_t, 2>();
  const auto labels = batch.labels.accessor<int64_t, 2>();
  int padded = 0;
  for (int b = 0; b < 50; ++b) {
    EXPECT_EQ(tokens[b][0], 0);
    for (int i = 0; i < 9; ++i) {
      EXPECT_TRUE(labels[b][i] == -100 || (labels[b][i] > 0 && labels[b][i] < 12));
      if (i == 0) continue;
      EXPECT_EQ(tokens[b][i], labels[b][i - 1] == -100 ? 0 : labels[b][i - 1]);
      EXPECT_TRUE(labels[b][i - 1] != -100 || labels[b][i] == -100);  // padding is at the end
    }
    EXPECT_NE(labels[b][4], -100);  // at least half of the length is text
    padded += labels[b][8] == -100;
  }
  EXPECT_TRUE(padded > 0 && padded < 50);
}

TEST(SyntheticLoaderTest, BatchesStayTheSameUnderAnyPrefetchLimit) {
  LoaderOptions options;
  options.sources = {"synthetic:40"};
  options.height = options.width = 16;
  options.num_frames = 4;
  options.num_classes = 5;
  options.batch_size = 3;
  options.num_workers = 0;
  auto expected = *Loader::Open(options);
  options.num_workers = 3;
  options.prefetch_batches = 6;
  auto limited = *Loader::Open(options);
  const int64_t batch_bytes = 3 * 3 * 4 * 16 * 16;
  for (int64_t number = 0; number < 30; ++number) {
    limited->LimitPrefetch(number < 20 ? 1 + number % 7 : 1);
    if (number == 10) {
      expected->SetBatchSize(2);  // makes a new queue, and later a new pool
      limited->SetBatchSize(2);
    }
    const Batch batch = *limited->Next();
    const Batch other = *expected->Next();
    ASSERT_TRUE(at::equal(batch.clips, other.clips)) << number;
    ASSERT_EQ(batch.samples, other.samples);
  }
  limited->LimitPrefetch(1);
  EXPECT_LE(limited->buffer_bytes(), 3 * batch_bytes) << "one ahead, one being dropped, one held";
}

TEST(SyntheticLoaderTest, BadSourcesAreRefused) {
  LoaderOptions options;
  options.num_classes = 2;
  for (const char* source : {"synthetic:", "synthetic:0", "synthetic:-3", "synthetic:many"}) {
    options.sources = {source};
    EXPECT_TRUE(absl::IsInvalidArgument(Loader::Open(options).status())) << source;
  }
  options.sources = {"synthetic:4"};
  options.num_classes = std::nullopt;
  EXPECT_TRUE(absl::IsInvalidArgument(Loader::Open(options).status()));
}

}  // namespace
}  // namespace slimreel
