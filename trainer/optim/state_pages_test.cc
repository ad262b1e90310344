#include "trainer/optim/state_pages.h"

#include <gtest/gtest.h>

#include <vector>

namespace slimreel {
namespace {

constexpr int64_t kCut = 64;

std::vector<StateItem> Items(const std::vector<int64_t>& elements) {
  std::vector<StateItem> items;
  for (int64_t count : elements) items.push_back({.elements = count});
  return items;
}

int64_t BufferBytes(const PageRanges& ranges) {
  int64_t bytes = 0;
  for (const PageRange& range : ranges) bytes = (bytes + 63) / 64 * 64 + range.count;
  return bytes;
}

TEST(StatePagesTest, TensorsStandApartAndAligned) {
  std::vector<StateItem> items = Items({10, 16, 100});
  EXPECT_EQ(LayOutState(2, items), 2 * (64 + 64 + 448));
  EXPECT_EQ(StateFirst(items[0], 1), 64);
  EXPECT_EQ(StateFirst(items[1], 0), 128);
  EXPECT_EQ(StateFirst(items[2], 1), 256 + 448);
}

// Replays the copies: byte by byte, each piece must find its own state in the buffer.
void ExpectThatPagesHoldTheirPieces(const std::vector<StateItem>& items,
                                    const std::vector<StatePage>& pages, int num_states) {
  std::vector<int64_t> covered(items.size());
  for (const StatePage& page : pages) {
    std::vector<int64_t> host_byte_of(BufferBytes(page.ranges), -1);
    int64_t at_byte = 0;
    for (const PageRange& range : page.ranges) {
      EXPECT_EQ(range.first % kPageAlignment, 0);
      at_byte = (at_byte + 63) / 64 * 64;
      for (int64_t i = 0; i < range.count; ++i) host_byte_of[at_byte + i] = range.first + i;
      at_byte += range.count;
    }
    for (const StatePiece& piece : page.pieces) {
      const StateItem& item = items[piece.item];
      EXPECT_EQ(piece.first, covered[piece.item]) << "pieces of an item come in order";
      covered[piece.item] += piece.count;
      for (int state = 0; state < num_states; ++state) {
        EXPECT_EQ(piece.buffer_first[state] % kPageAlignment, 0);
        for (int64_t i = 0; i < piece.count * item.element_bytes; ++i) {
          ASSERT_EQ(host_byte_of[piece.buffer_first[state] + i],
                    StateFirst(item, state) + piece.first * item.element_bytes + i);
        }
      }
    }
  }
  for (size_t i = 0; i < items.size(); ++i) EXPECT_EQ(covered[i], items[i].elements) << i;
}

TEST(StatePagesTest, EveryPieceFindsItsStateInItsPage) {
  for (int num_states : {1, 2}) {
    std::vector<StateItem> items = Items({10, 3 * kCut, 1, 10 * kCut, 1000, 64 * kCut, 7});
    LayOutState(num_states, items);
    for (int64_t page_bytes : {300, 1024, 5000, 1 << 20}) {
      SCOPED_TRACE(page_bytes);
      const std::vector<StatePage> pages =
          CutIntoPages(items, {0, 1, 2, 3, 4, 5, 6}, num_states, page_bytes, kCut);
      ExpectThatPagesHoldTheirPieces(items, pages, num_states);
    }
  }
}

TEST(StatePagesTest, NeighboursInTheBlockAreOneCopy) {
  std::vector<StateItem> items = Items({10, 20, 30, 40});
  LayOutState(2, items);
  EXPECT_EQ(CutIntoPages(items, {0, 1, 2, 3}, 2, 1 << 20, kCut)[0].ranges.size(), 1u);
  EXPECT_EQ(CutIntoPages(items, {0, 1, 3}, 2, 1 << 20, kCut)[0].ranges.size(), 2u);
}

TEST(StatePagesTest, OnlyItemsOfWholeCutsAreCut) {
  std::vector<StateItem> items = Items({100 * kCut, 100 * kCut + 1});
  LayOutState(2, items);
  const std::vector<StatePage> pages = CutIntoPages(items, {0, 1}, 2, 25 * kCut * 8, kCut);
  ASSERT_EQ(pages.size(), 5u);
  for (int page = 0; page < 4; ++page) {
    EXPECT_EQ(pages[page].pieces[0].count, 25 * kCut);
    EXPECT_EQ(BufferBytes(pages[page].ranges), 25 * kCut * 8);
  }
  EXPECT_EQ(pages[4].pieces[0].count, 100 * kCut + 1);
  EXPECT_EQ(CutIntoPages(items, {0}, 2, 25 * kCut * 8, 0).size(), 1u) << "cutting is forbidden";
}

}  // namespace
}  // namespace slimreel
