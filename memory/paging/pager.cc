#include "memory/paging/pager.h"

#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <utility>

namespace slimreel {
namespace {

int64_t Aligned(int64_t bytes) {
  return (bytes + kPageAlignment - 1) / kPageAlignment * kPageAlignment;
}

int64_t BufferBytes(const PageRanges& ranges) {
  int64_t bytes = 0;
  for (const PageRange& range : ranges) bytes = Aligned(bytes) + range.count;
  return bytes;
}

// Pages take turns with the two buffers.
std::array<int64_t, 2> LargestOfEach(const std::vector<PageRanges>& pages) {
  std::array<int64_t, 2> bytes = {0, 0};
  for (size_t p = 0; p < pages.size(); ++p) {
    bytes[p % 2] = std::max(bytes[p % 2], BufferBytes(pages[p]));
  }
  return bytes;
}

}  // namespace

// Note [When copies are waited for]
// An accelerator copies on two streams of its own, one for each direction. Who waits for whom is
// fixed by the order of the calls, never by how fast a copy was:
//   a copy in    waits for the copy back of the page that had the buffer before
//   the work     waits for the copy in of its page
//   a copy back  waits for the work
// The buffers live as long as the pager, so no block is freed while a copy uses it, and the
// allocator need not be told of the streams (record_stream), whose frees depend on timing.
class Pager::Streams {
 public:
  explicit Streams(at::Device device)
      : guard_(device.type()),
        device_(device),
        in_(guard_.getStreamFromGlobalPool(device)),
        out_(guard_.getStreamFromGlobalPool(device)) {
    for (int i = 0; i < 2; ++i) {
      copied_in_.emplace_back(device.type());
      worked_.emplace_back(device.type());
      copied_back_.emplace_back(device.type());
    }
  }
  template <typename Work>
  void CopyIn(int buffer, Work&& copy) {
    copied_back_[buffer].block(in_);
    {
      const c10::StreamGuard on(in_);
      copy();
    }
    copied_in_[buffer].record(in_);
  }
  void AwaitCopyIn(int buffer) { copied_in_[buffer].block(guard_.getStream(device_)); }
  template <typename Work>
  void CopyBack(int buffer, Work&& copy) {
    worked_[buffer].record(guard_.getStream(device_));
    worked_[buffer].block(out_);
    {
      const c10::StreamGuard on(out_);
      copy();
    }
    copied_back_[buffer].record(out_);
  }
  void Synchronize() const {
    guard_.synchronizeStream(in_);
    guard_.synchronizeStream(out_);
  }

 private:
  const c10::impl::VirtualGuardImpl guard_;
  const at::Device device_;
  const c10::Stream in_;
  const c10::Stream out_;
  std::vector<c10::Event> copied_in_;  // one per buffer, as the two below
  std::vector<c10::Event> worked_;
  std::vector<c10::Event> copied_back_;
};

Pager::Pager(at::Tensor host, at::Device device, std::vector<PageRanges> pages)
    : device_(device), pages_(std::move(pages)), host_(std::move(host)) {
  const std::array<int64_t, 2> bytes = LargestOfEach(pages_);
  for (int i = 0; i < 2; ++i) {
    buffers_[i] = at::empty({bytes[i]}, at::TensorOptions(at::kByte).device(device));
  }
  if (!device.is_cpu()) streams_ = std::make_unique<Streams>(device);
}

Pager::~Pager() {
  try {
    Synchronize();  // the copies use the host block and the buffers
  } catch (const c10::Error&) {
    // The device has failed; whoever uses it next is told so.
  }
}

int64_t Pager::BufferBytesFor(const std::vector<PageRanges>& pages) {
  const std::array<int64_t, 2> bytes = LargestOfEach(pages);
  return bytes[0] + bytes[1];
}

int64_t Pager::buffer_bytes() const { return buffers_[0].numel() + buffers_[1].numel(); }

void Pager::Start() {
  next_fetch_ = 0;
  FetchUpTo(0);
}

void Pager::Await(int page) {
  FetchUpTo(page + 1);
  if (streams_) streams_->AwaitCopyIn(page % 2);
}

void Pager::FetchUpTo(int page) {
  const int last = std::min(page, static_cast<int>(pages_.size()) - 1);
  for (; next_fetch_ <= last; ++next_fetch_) {
    const auto copy = [&] { Copy(next_fetch_, /*to_device=*/true); };
    if (streams_) {
      streams_->CopyIn(next_fetch_ % 2, copy);
    } else {
      copy();
    }
  }
}

at::Tensor Pager::Buffer(int page) const {
  return buffers_[page % 2].narrow(0, 0, BufferBytes(pages_[page]));
}

void Pager::Done(int page) {
  const auto copy = [&] { Copy(page, /*to_device=*/false); };
  if (streams_) {
    streams_->CopyBack(page % 2, copy);
  } else {
    copy();
  }
}

void Pager::Copy(int page, bool to_device) {
  const c10::AutoGradMode no_grad(false);
  int64_t at_byte = 0;
  for (const PageRange& range : pages_[page]) {
    at_byte = Aligned(at_byte);
    at::Tensor in_host = host_.narrow(0, range.first, range.count);
    at::Tensor in_buffer = buffers_[page % 2].narrow(0, at_byte, range.count);
    at::Tensor& to = to_device ? in_buffer : in_host;
    to.copy_(to_device ? in_host : in_buffer, /*non_blocking=*/true);
    at_byte += range.count;
  }
}

void Pager::Synchronize() {
  if (streams_) streams_->Synchronize();
}

}  // namespace slimreel
