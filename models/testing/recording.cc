#include "models/testing/recording.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace slimreel {

Recording RunRecorded(const std::vector<std::unique_ptr<Stage>>& stages,
                      const StageContext& context, Tensors slots) {
  Recording recording;
  for (const auto& stage : stages) {
    const Tensors in = std::exchange(slots, stage->Forward(context, slots));
    if (stage == stages.back()) break;
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      const bool handed_on = std::any_of(
          in.begin(), in.end(), [&](const at::Tensor& read) { return read.is_same(slots[slot]); });
      if (handed_on) continue;
      recording.activations.push_back({absl::StrCat(stage->name(), "/", slot), slots[slot]});
    }
  }
  recording.last = std::move(slots);
  return recording;
}

at::Tensor IntegerTensor(const nlohmann::json& rows) {
  if (!rows[0].is_array()) return at::tensor(rows.get<std::vector<int64_t>>(), at::kLong);
  std::vector<int64_t> flat;
  for (const nlohmann::json& row : rows) {
    for (const nlohmann::json& number : row) flat.push_back(number.get<int64_t>());
  }
  return at::tensor(flat, at::kLong).view({static_cast<int64_t>(rows.size()), -1});
}

}  // namespace slimreel
