#include "memory/stage/step_log.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_zero.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

namespace slimreel {
namespace {

// Moves average[c] by values[i * stride + c] for each i in [begin, end).
template <typename T>
void MoveByPass(T* average, int64_t channels, const double* values, int64_t stride, int64_t begin,
                int64_t end, double rate) {
  for (int64_t c = 0; c < channels; ++c) {
    double moved = average[c];
    for (int64_t i = begin; i < end; ++i) moved += rate * (values[i * stride + c] - moved);
    average[c] = static_cast<T>(moved);
  }
}

}  // namespace

StepLog::StepLog(std::vector<at::Tensor> averages, at::Tensor counter, double rate)
    : averages_(std::move(averages)), counter_(std::move(counter)), rate_(rate) {
  TORCH_CHECK(!averages_.empty(), "a log needs an average to move");
}

void StepLog::Reserve(int64_t entries) {
  const at::Tensor& average = averages_[0];
  const bool moved = values_.defined() && values_.device() != average.device();
  TORCH_CHECK(!moved || size_ == 0, "averages moved to ", average.device(), " within a step");
  if (values_.defined() && !moved && values_.size(0) >= entries) return;
  const std::vector<int64_t> sizes{entries, static_cast<int64_t>(averages_.size()),
                                   average.numel()};
  at::Tensor values = average.is_cpu() ? at::empty(sizes, average.options().dtype(at::kDouble))
                                       : at::zeros(sizes, average.options());
  if (size_ > 0) values.narrow(0, 0, size_).copy_(values_.narrow(0, 0, size_));
  values_ = std::move(values);
}

at::Tensor StepLog::Append(int64_t first_position, int64_t entries) {
  const c10::AutoGradMode no_grad(false);
  const int64_t end = size_ + entries;
  const int64_t capacity = values_.defined() ? values_.size(0) : 0;
  Reserve(end > capacity ? std::max(end, 2 * capacity) : end);
  passes_.push_back({first_position, size_, end});
  at::Tensor rows = values_.narrow(0, size_, entries);
  size_ = end;
  return rows;
}

// Passes of one position stay in the order in which they came.
void StepLog::SortPasses() {
  std::sort(passes_.begin(), passes_.end(), [](const Pass& a, const Pass& b) {
    return std::pair(a.first_position, a.begin) < std::pair(b.first_position, b.begin);
  });
}

void StepLog::FoldByLoops() {
  SortPasses();
  const double* values = values_.const_data_ptr<double>();
  const int64_t channels = averages_[0].numel();
  const int64_t stride = channels * static_cast<int64_t>(averages_.size());
  for (size_t a = 0; a < averages_.size(); ++a) {
    AT_DISPATCH_FLOATING_TYPES(averages_[a].scalar_type(), "fold", [&] {
      for (const Pass& pass : passes_) {
        MoveByPass(averages_[a].data_ptr<scalar_t>(), channels,
                   values + static_cast<int64_t>(a) * channels, stride, pass.begin, pass.end,
                   rate_);
      }
    });
  }
  *counter_.data_ptr<int64_t>() += size_;
}

void StepLog::FoldByLists(const std::vector<StepLog*>& logs) {
  std::vector<at::Tensor> counters;
  std::vector<at::Scalar> counts;
  std::vector<std::vector<int64_t>> rows(logs.size());  // in the order of positions
  size_t most = 0;
  for (size_t l = 0; l < logs.size(); ++l) {
    logs[l]->SortPasses();
    for (const Pass& pass : logs[l]->passes_) {
      for (int64_t row = pass.begin; row < pass.end; ++row) rows[l].push_back(row);
    }
    most = std::max(most, rows[l].size());
    counters.push_back(logs[l]->counter_);
    counts.emplace_back(logs[l]->size_);
  }
  for (size_t entry = 0; entry < most; ++entry) {
    std::vector<at::Tensor> averages, values;
    std::vector<at::Scalar> rates;
    for (size_t l = 0; l < logs.size(); ++l) {
      if (entry >= rows[l].size()) continue;
      const StepLog& log = *logs[l];
      const at::Tensor row = log.values_.select(0, rows[l][entry]);
      for (size_t a = 0; a < log.averages_.size(); ++a) {
        averages.push_back(log.averages_[a]);
        values.push_back(row.select(0, static_cast<int64_t>(a)).to(log.averages_[a].dtype()));
        rates.emplace_back(log.rate_);
      }
    }
    at::_foreach_lerp_(averages, values, rates);
  }
  if (most > 0) at::_foreach_add_(counters, counts);
}

void CommitLogs(const std::vector<StepLog*>& logs) {
  const c10::AutoGradMode no_grad(false);
  if (logs.empty()) return;
  if (logs[0]->averages_[0].is_cpu()) {
    for (StepLog* log : logs) {
      if (log->size_ > 0) log->FoldByLoops();
    }
  } else {
    StepLog::FoldByLists(logs);
  }
  DropLogs(logs);
}

void DropLogs(const std::vector<StepLog*>& logs) {
  const c10::AutoGradMode no_grad(false);
  std::vector<at::Tensor> used;
  for (StepLog* log : logs) {
    const bool fill = log->size_ > 0 && !log->values_.is_cpu();  // Append promises zeros
    if (fill) used.push_back(log->values_.narrow(0, 0, log->size_));
    log->passes_.clear();
    log->size_ = 0;
  }
  if (!used.empty()) at::_foreach_zero_(used);
}

}  // namespace slimreel
