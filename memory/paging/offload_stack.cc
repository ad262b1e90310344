#include "memory/paging/offload_stack.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty_strided.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace slimreel {
namespace {

constexpr int64_t kAlignment = 64;

int64_t Aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// The memory is freed with this tensor, and all of it is in the tensor.
bool IsLastHolder(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.storage().use_count() == 1 &&
         tensor.nbytes() == tensor.storage().nbytes();
}

}  // namespace

// Note [When a copied tensor is freed]
// An accelerator copies to the host on a stream of its own. The tensor lives until the copy after
// the next one begins: then the current stream waits for its copy, and it is freed. So at most two
// copies are in flight, their tensors count as live, and no free depends on how fast a copy was. A
// copy back runs on the current stream, after the copy to the host.
class OffloadStack::Streams {
 public:
  explicit Streams(at::Device device)
      : guard_(device.type()), device_(device), out_(guard_.getStreamFromGlobalPool(device)) {}

  template <typename Copy>
  void CopyOut(at::Tensor tensor, Copy&& copy) {
    const c10::Stream current = guard_.getStream(device_);
    while (leaving_.size() >= 2) FreeOldest(current);
    c10::Event made(device_.type());
    made.record(current);
    made.block(out_);
    {
      const c10::StreamGuard on(out_);
      copy();
    }
    Leaving& leaving = leaving_.emplace_back(std::move(tensor), c10::Event(device_.type()));
    leaving.copied.record(out_);
  }
  // What follows on the current stream comes after every copy to the host.
  void AwaitCopies() {
    const c10::Stream current = guard_.getStream(device_);
    while (!leaving_.empty()) FreeOldest(current);
  }
  void Synchronize() const { guard_.synchronizeStream(out_); }

 private:
  struct Leaving {
    Leaving(at::Tensor tensor, c10::Event copied)
        : tensor(std::move(tensor)), copied(std::move(copied)) {}
    at::Tensor tensor;
    c10::Event copied;
  };
  void FreeOldest(const c10::Stream& current) {
    leaving_.front().copied.block(current);
    leaving_.pop_front();
  }

  const c10::impl::VirtualGuardImpl guard_;
  const at::Device device_;
  const c10::Stream out_;
  std::deque<Leaving> leaving_;
};

OffloadStack::Handle& OffloadStack::Handle::operator=(Handle&& other) noexcept {
  if (this == &other) return *this;
  Free();
  stack_ = std::exchange(other.stack_, nullptr);
  first_ = other.first_;
  count_ = other.count_;
  sizes_ = std::move(other.sizes_);
  strides_ = std::move(other.strides_);
  options_ = other.options_;
  return *this;
}

void OffloadStack::Handle::Free() noexcept {
  if (stack_ != nullptr) std::exchange(stack_, nullptr)->Free(first_);
}

OffloadStack::OffloadStack(HostPool* pool, at::Device device, int64_t bytes)
    : device_(device), host_(pool->Allocate(bytes, device)) {
  if (!device.is_cpu()) streams_ = std::make_unique<Streams>(device);
}

OffloadStack::~OffloadStack() {
  if (!streams_) return;
  try {
    streams_->Synchronize();  // the copies use the block
  } catch (const c10::Error&) {
    // The device has failed; whoever uses it next is told so.
  }
}

OffloadStack::Handle OffloadStack::Push(at::Tensor& tensor) {
  Handle handle;
  if (!tensor.defined() || tensor.device() != device_ || tensor.numel() == 0) return handle;
  if (!IsLastHolder(tensor) || !tensor.is_non_overlapping_and_dense()) return handle;
  const auto bytes = static_cast<int64_t>(tensor.nbytes());
  const int64_t first = Aligned(used_bytes());
  if (first + bytes > host_.numel()) return handle;
  const c10::AutoGradMode no_grad(false);
  handle.first_ = first;
  handle.count_ = bytes;
  handle.sizes_ = tensor.sizes().vec();
  handle.strides_ = tensor.strides().vec();
  handle.options_ = tensor.options();
  at::Tensor place = host_.narrow(0, first, bytes).view(tensor.scalar_type());
  const auto copy = [&] {
    place.copy_(at::as_strided(tensor, {tensor.numel()}, {1}), /*non_blocking=*/true);
  };
  places_.push_back({first, first + bytes});
  handle.stack_ = this;
  peak_bytes_ = std::max(peak_bytes_, used_bytes());
  if (streams_) {
    streams_->CopyOut(tensor, copy);
  } else {
    copy();
  }
  tensor.reset();
  return handle;
}

at::Tensor OffloadStack::Pop(Handle handle) {
  const c10::AutoGradMode no_grad(false);
  if (streams_) streams_->AwaitCopies();
  at::Tensor tensor = at::empty_strided(handle.sizes_, handle.strides_, handle.options_);
  at::as_strided(tensor, {tensor.numel()}, {1})
      .copy_(host_.narrow(0, handle.first_, handle.count_).view(tensor.scalar_type()),
             /*non_blocking=*/true);
  return tensor;
}

int64_t OffloadStack::used_bytes() const { return places_.empty() ? 0 : places_.back().end; }

void OffloadStack::Free(int64_t first) noexcept {
  std::erase_if(places_, [&](const Place& place) { return place.first == first; });
}

}  // namespace slimreel
