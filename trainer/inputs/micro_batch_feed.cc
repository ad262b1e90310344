#include "trainer/inputs/micro_batch_feed.h"

#include <c10/util/Exception.h>

#include <utility>

#include "trainer/inputs/model_inputs.h"

namespace slimreel {

MicroBatchFeed::MicroBatchFeed(const Model& model, const Batch& batch, at::Device device,
                               std::vector<MicroBatch> split)
    : inputs_(ModelInputs(model, batch)),
      labels_(batch.labels),
      device_(device),
      split_(std::move(split)) {
  TORCH_CHECK(!split_.empty(), "a batch without a micro-batch");
  Advance();
}

at::Tensor MicroBatchFeed::OnDevice(const at::Tensor& tensor, const MicroBatch& micro) const {
  return tensor.narrow(0, micro.first, micro.count).to(device_, /*non_blocking=*/true);
}

void MicroBatchFeed::Advance() {
  slots_.clear();
  targets_.clear();
  charge_.reset();
  if (next_++ >= split_.size()) return;
  const MicroBatch& micro = split_[next_ - 1];
  size_t bytes = 0;
  for (const at::Tensor& input : inputs_)
    bytes += input.narrow(0, micro.first, micro.count).nbytes();
  if (device_.is_cpu()) charge_.emplace(static_cast<int64_t>(bytes));
  for (const at::Tensor& input : inputs_) slots_.push_back(OnDevice(input, micro));
  targets_.push_back(OnDevice(labels_, micro));
}

}  // namespace slimreel
