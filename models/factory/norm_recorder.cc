#include "models/factory/norm_recorder.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <memory>
#include <string_view>

namespace slimreel {
namespace {

thread_local int64_t fewest = 0;

// native_batch_norm(input [N, C, ...], ...)
std::unique_ptr<at::ObserverContext> OnStart(const at::RecordFunction& call) {
  if (std::string_view(call.name()) != "aten::native_batch_norm") return nullptr;
  const at::Tensor& input = call.inputs()[0].toTensor();
  const int64_t values = input.numel() / input.size(1);
  if (fewest == 0 || values < fewest) fewest = values;
  return nullptr;
}

}  // namespace

NormRecorder::NormRecorder() {
  fewest = 0;
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&OnStart).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

NormRecorder::~NormRecorder() { at::removeCallback(handle_); }

int64_t NormRecorder::fewest_values() const { return fewest; }

}  // namespace slimreel
