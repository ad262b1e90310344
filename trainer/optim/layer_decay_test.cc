#include "trainer/optim/layer_decay.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <memory>

#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

class NamedStage : public Stage {
 public:
  NamedStage(std::string name, const std::vector<NamedTensor>& parameters)
      : Stage(std::move(name)) {
    parameters_ = parameters;
  }
  Tensors Forward(const StageContext& /*context*/, Tensors in) override { return in; }
};

NamedTensor Parameter(const std::string& name, int64_t dims) {
  return {name, at::ones(std::vector<int64_t>(dims, 2)).requires_grad_()};
}

// As VideoMAE's depth of 2: embeddings 0, blocks 1 and 2, head 3.
Model TwoBlocks() {
  Model model;
  const NamedTensor tied = Parameter("embeddings.weight", 2);
  const auto add = [&](const char* name, const std::vector<NamedTensor>& parameters) {
    model.stages.push_back(std::make_unique<NamedStage>(name, parameters));
  };
  add("input", {});
  add("embeddings", {tied});
  add("layer.0.attention", {Parameter("q", 2), Parameter("q_bias", 1)});
  add("layer.0.mlp", {Parameter("up", 2)});
  add("layer.1.attention", {Parameter("q1", 2)});
  add("layer.1.mlp", {Parameter("up1", 2)});
  add("head", {Parameter("fc", 2), tied});
  return model;
}

TEST(LayerDecayTest, RatesFallWithTheDistanceToTheHead) {
  const std::vector<double> expected{0.125, 0.25, 0.25, 0.25, 0.5, 0.5, 1.0};
  EXPECT_EQ(LayerLrScales(TwoBlocks(), 0.5), expected);
  EXPECT_EQ(LayerLrScales(TwoBlocks(), 1.0), std::vector<double>(7, 1.0));
}

TEST(LayerDecayTest, TheHalvesOfAFactorisedConvolutionAreOfOneLayer) {
  Model model;
  for (const char* name : {"stem", "layer1.0.conv1.spatial", "layer1.0.conv1",
                           "layer1.0.conv2.spatial", "layer1.0.conv2", "fc"}) {
    model.stages.push_back(std::make_unique<NamedStage>(
        name, std::vector<NamedTensor>{Parameter(std::string(name) + ".weight", 2)}));
  }
  const std::vector<double> expected{0.25, 0.5, 0.5, 0.5, 0.5, 1.0};
  EXPECT_EQ(LayerLrScales(model, 0.5), expected);
}

TEST(LayerDecayTest, PositionTablesHaveNoDecayWhereNormsHaveNone) {
  const std::vector<NamedTensor> parameters{Parameter("timesformer.embeddings.cls_token", 3),
                                            Parameter("model.decoder.embed_positions.weight", 2),
                                            Parameter("fc.weight", 2)};
  for (const ParamGroup& group : MakeParamGroups(parameters, 0.1, true)) {
    EXPECT_EQ(group.weight_decay, group.parameters[0].name == "fc.weight" ? 0.1 : 0.0);
  }
  EXPECT_EQ(MakeParamGroups(parameters, 0.1, false).size(), 1u);
}

TEST(LayerDecayTest, GroupsShareRateAndDecayAndHoldEachParameterOnce) {
  const Model model = TwoBlocks();
  const std::vector<ParamGroup> groups =
      MakeParamGroups(Parameters(model), 0.1, true, LayerLrScales(model, 0.5));
  // Rates 0.125, 0.25 (with and without decay), 0.5 and 1.
  ASSERT_EQ(groups.size(), 5u);
  size_t parameters = 0;
  for (const ParamGroup& group : groups) {
    parameters += group.parameters.size();
    for (const NamedTensor& parameter : group.parameters) {
      EXPECT_EQ(group.weight_decay, parameter.tensor.dim() == 1 ? 0.0 : 0.1) << parameter.name;
      EXPECT_EQ(group.lr_scale, parameter.name == "fc"                  ? 1.0
                                : parameter.name == "embeddings.weight" ? 0.125
                                : parameter.name.back() == '1'          ? 0.5
                                                                        : 0.25)
          << parameter.name;
    }
  }
  EXPECT_EQ(parameters, 7u);
}

}  // namespace
}  // namespace slimreel
