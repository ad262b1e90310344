#include "memory/recovery/step_transaction.h"

#include <utility>

namespace slimreel {

StepTransaction::StepTransaction(std::vector<at::Tensor> parameters,
                                 const std::vector<Stage*>& chain)
    : parameters_(std::move(parameters)), logs_(StepLogs(chain)) {}

void StepTransaction::Reserve(int64_t groups) {
  for (StepLog* log : logs_) log->Reserve(groups);
}

void StepTransaction::Begin() { DropLogs(logs_); }

void StepTransaction::Rollback() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  DropLogs(logs_);
}

void StepTransaction::Commit() { CommitLogs(logs_); }

}  // namespace slimreel
