#include "data/loading/prefetch_queue.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

namespace slimreel {
namespace {

using Queue = PrefetchQueue<std::unique_ptr<int64_t>>;  // move-only, like batches

absl::StatusOr<std::unique_ptr<int64_t>> Square(int64_t number) {
  return std::make_unique<int64_t>(number * number);
}

TEST(PrefetchQueueTest, ItemsComeInOrderForAnyNumberOfWorkers) {
  for (const int workers : {0, 1, 2, 8}) {
    for (const int ahead : {1, 2, 16}) {
      Queue queue({.num_workers = workers, .max_ahead = ahead, .num_items = 200}, Square);
      for (int64_t i = 0; i < 200; ++i) ASSERT_EQ(**queue.Next(), i * i);
      EXPECT_TRUE(absl::IsOutOfRange(queue.Next().status()));
      EXPECT_TRUE(absl::IsOutOfRange(queue.Next().status()));
    }
  }
}

TEST(PrefetchQueueTest, NumberAndBytesOfItemsAheadAreBounded) {
  std::atomic<int64_t> started = 0;
  int64_t taken = 0;
  // 3 items of 100 bytes fit into 350, although max_ahead allows more.
  const PrefetchOptions options{
      .num_workers = 8, .max_ahead = 16, .item_bytes = 100, .max_bytes = 350, .num_items = -1};
  Queue queue(options, [&](int64_t number) {
    ++started;
    return Square(number);
  });
  for (; taken < 500; ++taken) {
    // Next may release an item while we count, so at most taken + 3 items may have begun.
    ASSERT_LE(started.load(), taken + 3);
    ASSERT_TRUE(queue.Next().ok());
  }
}

TEST(PrefetchQueueTest, OneItemIsAllowedEvenIfItExceedsTheBudget) {
  Queue queue({.num_workers = 2, .max_ahead = 4, .item_bytes = 100, .max_bytes = 1, .num_items = 5},
              Square);
  for (int64_t i = 0; i < 5; ++i) ASSERT_EQ(**queue.Next(), i * i);
}

TEST(PrefetchQueueTest, TheLimitMayChangeAtAnyMomentAndTheItemsStayTheSame) {
  for (const int workers : {0, 1, 2, 8}) {
    Queue queue({.num_workers = workers, .max_ahead = 8, .num_items = 2000}, Square);
    std::atomic<bool> stop = false;
    std::thread other([&] {
      for (int64_t i = 0; !stop; ++i) queue.SetLimit(i % 11);
    });
    for (int64_t i = 0; i < 2000; ++i) ASSERT_EQ(**queue.Next(), i * i);
    EXPECT_TRUE(absl::IsOutOfRange(queue.Next().status()));
    stop = true;
    other.join();
  }
}

TEST(PrefetchQueueTest, ALowerLimitDropsWhatWaitsBeyondIt) {
  // Each item counts itself while it lives.
  std::atomic<int64_t> alive = 0;
  std::atomic<int64_t> made = 0;
  const auto make = [&](int64_t) -> absl::StatusOr<std::shared_ptr<int64_t>> {
    ++alive;
    ++made;
    made.notify_all();
    return std::shared_ptr<int64_t>(new int64_t(0), [&alive](int64_t* item) {
      --alive;
      delete item;
    });
  };
  PrefetchQueue<std::shared_ptr<int64_t>> queue({.num_workers = 1, .max_ahead = 6, .num_items = -1},
                                                make);
  for (int64_t seen = made; seen < 6; seen = made) made.wait(seen);
  queue.SetLimit(2);
  // The last item may still be on its way into its slot; it is dropped there.
  ASSERT_TRUE(queue.Next().ok());
  ASSERT_TRUE(queue.Next().ok());
  EXPECT_LE(alive.load(), 2 + 1) << "two wait, and one is being made";
  queue.SetLimit(6);
  for (int64_t seen = made; seen < 6 + 4; seen = made) made.wait(seen);  // dropped ones come again
}

TEST(PrefetchQueueTest, AnErrorIsReturnedAtItsTurnAndStays) {
  for (const int workers : {0, 1, 4}) {
    Queue queue({.num_workers = workers, .max_ahead = 4, .num_items = -1},
                [](int64_t number) -> absl::StatusOr<std::unique_ptr<int64_t>> {
                  if (number >= 7) return absl::DataLossError("item " + std::to_string(number));
                  return Square(number);
                });
    for (int64_t i = 0; i < 7; ++i) ASSERT_EQ(**queue.Next(), i * i);
    EXPECT_EQ(queue.Next().status(), absl::DataLossError("item 7"));
    EXPECT_EQ(queue.Next().status(), absl::DataLossError("item 7"));
  }
}

TEST(PrefetchQueueTest, DestructionAtAnyMomentNeitherHangsNorLeaks) {
  for (int64_t taken = 0; taken < 20; ++taken) {
    for (const int workers : {1, 2, 8}) {
      Queue queue({.num_workers = workers, .max_ahead = 5, .num_items = 20}, Square);
      for (int64_t i = 0; i < taken; ++i) ASSERT_TRUE(queue.Next().ok());
    }
  }
}

TEST(PrefetchQueueTest, AnExceptionFromMakeIsTheErrorOfItsItem) {
  for (const int workers : {0, 1, 4}) {
    Queue starving({.num_workers = workers, .max_ahead = 4, .num_items = -1},
                   [](int64_t number) -> absl::StatusOr<std::unique_ptr<int64_t>> {
                     if (number >= 3) throw std::bad_alloc();
                     return Square(number);
                   });
    for (int64_t i = 0; i < 3; ++i) ASSERT_EQ(**starving.Next(), i * i);
    EXPECT_TRUE(absl::IsResourceExhausted(starving.Next().status()));
    EXPECT_TRUE(absl::IsResourceExhausted(starving.Next().status()));
    Queue throwing({.num_workers = workers, .max_ahead = 4, .num_items = -1},
                   [](int64_t) -> absl::StatusOr<std::unique_ptr<int64_t>> {
                     throw std::runtime_error("unforeseen");
                   });
    const absl::Status status = throwing.Next().status();
    EXPECT_TRUE(absl::IsInternal(status));
    EXPECT_NE(status.message().find("unforeseen"), std::string::npos) << status;
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Limits the address space of this process to `threads` more thread stacks and half a stack.
void LeaveRoomForThreads(int64_t threads) {
  pthread_attr_t attributes;
  size_t stack_bytes = 0;
  pthread_getattr_default_np(&attributes);
  pthread_attr_getstacksize(&attributes, &stack_bytes);
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  statm >> pages;
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = static_cast<rlim_t>(pages) * 4096 + static_cast<rlim_t>(threads) * stack_bytes +
                   stack_bytes / 2;
  setrlimit(RLIMIT_AS, &limit);
}

// Each case runs in its own process. (Sanitizers need an unlimited address space.)
TEST(PrefetchQueueTest, WorksWithTheThreadsThatCanStart) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // drops the thread stacks of earlier tests
  for (const int64_t room : {0, 1, 3}) {
    EXPECT_EXIT(
        {
          LeaveRoomForThreads(room);
          Queue queue({.num_workers = 16, .max_ahead = 16, .num_items = 100}, Square);
          for (int64_t i = 0; i < 100; ++i) {
            const auto item = queue.Next();
            if (!item.ok() || **item != i * i) std::_Exit(1);
          }
          std::_Exit(absl::IsOutOfRange(queue.Next().status()) ? 0 : 2);
        },
        testing::ExitedWithCode(0), absl::StrCat(room, " of 16 threads started"))
        << room;
  }
}
#endif

}  // namespace
}  // namespace slimreel
