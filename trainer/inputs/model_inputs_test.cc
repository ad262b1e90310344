#include "trainer/inputs/model_inputs.h"

#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace slimreel {
namespace {

Model ModelOf(std::vector<InputSlot> inputs) {
  Model model;
  model.name = "tested";
  model.inputs = std::move(inputs);
  return model;
}

TEST(ModelInputsTest, SlotsGetTheBatchsTensorsInTheModelsOrder) {
  Batch batch;
  batch.clips = at::zeros({2, 3, 4, 8, 8}, at::kByte);
  batch.keypoints = at::zeros({2, 1, 4, 17, 3});
  batch.log_mel = at::zeros({2, 80, 100});
  batch.tokens = at::zeros({2, 5}, at::kLong);
  const Tensors streams =
      ModelInputs(ModelOf({{InputKind::kKeypoints, {}}, {InputKind::kFrames, {}}}), batch);
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0].data_ptr(), batch.keypoints.data_ptr());
  EXPECT_EQ(streams[1].data_ptr(), batch.clips.data_ptr());
  const Tensors speech =
      ModelInputs(ModelOf({{InputKind::kLogMel, {}}, {InputKind::kTokens, {}}}), batch);
  ASSERT_EQ(speech.size(), 2u);
  EXPECT_EQ(speech[0].data_ptr(), batch.log_mel.data_ptr());
  EXPECT_EQ(speech[1].data_ptr(), batch.tokens.data_ptr());
}

TEST(ModelInputsTest, ABatchWithoutANeededTensorIsAMistakeOfTheCaller) {
  Batch batch;
  batch.clips = at::zeros({2, 3, 4, 8, 8}, at::kByte);
  const Model model = ModelOf({{InputKind::kFrames, {}}, {InputKind::kKeypoints, {}}});
  try {
    ModelInputs(model, batch);
    FAIL() << "nothing was thrown";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what_without_backtrace()).find("lacks number 1"), std::string::npos)
        << error.what_without_backtrace();
  }
}

}  // namespace
}  // namespace slimreel
