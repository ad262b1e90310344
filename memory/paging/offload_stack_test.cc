#include "memory/paging/offload_stack.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

at::Tensor Numbers(int64_t count, double first = 0.0) {
  return at::arange(count, at::kDouble).add(first).to(at::kFloat);
}

TEST(OffloadStackTest, ATensorComesBackAsItWas) {
  HostPool pool;
  OffloadStack stack(&pool, at::kCPU, 1 << 20);
  at::Tensor tensor = Numbers(24).view({2, 3, 4}).permute({2, 0, 1}).clone();
  ASSERT_FALSE(tensor.is_contiguous());
  const at::Tensor expected = tensor.clone();
  const int64_t before = ReadCpuMemory().live_bytes;
  OffloadStack::Handle handle = stack.Push(tensor);
  ASSERT_TRUE(handle.defined());
  EXPECT_FALSE(tensor.defined());
  EXPECT_EQ(ReadCpuMemory().live_bytes, before - 24 * 4) << "the device lets go of it";
  const at::Tensor back = stack.Pop(std::move(handle));
  EXPECT_TRUE(at::equal(back, expected));
  EXPECT_EQ(back.strides(), expected.strides());
  EXPECT_EQ(stack.used_bytes(), 0);
  EXPECT_EQ(stack.peak_bytes(), 24 * 4);
}

TEST(OffloadStackTest, PlacesDoNotMixInWhateverOrderTheyAreFreed) {
  HostPool pool;
  OffloadStack stack(&pool, at::kCPU, 1 << 20);
  std::vector<OffloadStack::Handle> handles;
  for (int i = 0; i < 4; ++i) {
    at::Tensor tensor = Numbers(10 + i, 100.0 * i);
    handles.push_back(stack.Push(tensor));
  }
  for (int i : {1, 3, 0, 2}) {
    EXPECT_TRUE(at::equal(stack.Pop(std::move(handles[i])), Numbers(10 + i, 100.0 * i))) << i;
    at::Tensor tensor = Numbers(50, 7.0);
    const OffloadStack::Handle other = stack.Push(tensor);  // given up at once
  }
  EXPECT_EQ(stack.used_bytes(), 0);
}

TEST(OffloadStackTest, WhatOthersHoldOrWhatFindsNoPlaceStays) {
  HostPool pool;
  OffloadStack stack(&pool, at::kCPU, 256);
  at::Tensor shared = Numbers(8);
  const at::Tensor holder = shared;
  EXPECT_FALSE(stack.Push(shared).defined());
  at::Tensor view = Numbers(8);
  const at::Tensor whole = view;
  view = view.narrow(0, 0, 4);
  EXPECT_FALSE(stack.Push(view).defined());
  at::Tensor large = Numbers(65);
  EXPECT_FALSE(stack.Push(large).defined());
  at::Tensor undefined;
  EXPECT_FALSE(stack.Push(undefined).defined());
  EXPECT_TRUE(shared.defined() && view.defined() && large.defined());
  at::Tensor fits = Numbers(64);
  EXPECT_TRUE(stack.Push(fits).defined());
}

}  // namespace
}  // namespace slimreel
