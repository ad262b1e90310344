#include "trainer/optim/layer_decay.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

class NamedStage : public Stage {
 public:
  NamedStage(std::string name, const std::vector<NamedTensor>& parameters)
      : Stage(std::move(name)) {
    state_.parameters = parameters;
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

// Names of stages and the keys in each, as the networks of this project have them.
using Stages = std::vector<std::pair<std::string, std::vector<std::string>>>;

std::vector<std::pair<std::string, double>> ScalesOf(const Stages& stages) {
  Model model;
  for (const auto& [name, keys] : stages) {
    std::vector<NamedTensor> parameters;
    for (const std::string& key : keys) parameters.push_back(Parameter(key, 2));
    model.stages.push_back(std::make_unique<NamedStage>(name, parameters));
  }
  const std::vector<double> scales = LayerLrScales(model, 0.5);
  std::vector<std::pair<std::string, double>> named;
  for (size_t i = 0; i < scales.size(); ++i) {
    named.emplace_back(Parameters(model)[i].name, scales[i]);
  }
  return named;
}

TEST(LayerDecayTest, ANormBelongsToTheBlockThatItsKeyNames) {
  const auto scales =
      ScalesOf({{"conv1", {"conv1.weight"}},
                {"layer1.0.conv1", {"bn1.weight", "layer1.0.conv1.weight"}},
                {"layer1.0.conv2", {"layer1.0.bn1.weight", "layer1.0.conv2.weight"}},
                {"layer2.0.conv1", {"layer1.0.bn2.weight", "layer2.0.conv1.weight"}},
                {"avgpool", {"layer2.0.bn1.weight"}},
                {"fc", {"fc.weight"}}});
  for (const auto& [key, scale] : scales) {
    // fc 0, blocks 1 and 2, stem 3. avgpool has no parameters outside of blocks.
    const double expected = key == "fc.weight"          ? 1.0
                            : key.find("layer2") == 0   ? 0.5
                            : key.find("layer1.0") == 0 ? 0.25
                                                        : 0.125;
    EXPECT_EQ(scale, expected) << key;
  }
}

TEST(LayerDecayTest, ParallelStreamsHaveTheSameDistanceToTheHead) {
  const auto scales = ScalesOf({{"rgb.conv1", {"b.rgb.conv1.weight"}},
                                {"rgb.layer1.0", {"b.rgb.layer1.0.weight"}},
                                {"pose.conv1", {"b.pose.conv1.weight"}},
                                {"pose.layer1.0", {"b.pose.layer1.0.weight"}},
                                {"laterals1", {"b.rgb.layer1_lateral.weight"}},
                                {"rgb.layer2.0", {"b.rgb.layer2.0.weight"}},
                                {"rgb.layer3.0", {"b.rgb.layer3.0.weight"}},
                                {"pose.layer2.0", {"b.pose.layer2.0.weight"}},
                                {"head", {"head.weight"}}});
  const std::vector<std::pair<std::string, double>> expected{{"b.rgb.conv1.weight", 0.0625},
                                                             {"b.rgb.layer1.0.weight", 0.125},
                                                             {"b.pose.conv1.weight", 0.125},
                                                             {"b.pose.layer1.0.weight", 0.25},
                                                             {"b.rgb.layer1_lateral.weight", 0.125},
                                                             {"b.rgb.layer2.0.weight", 0.25},
                                                             {"b.rgb.layer3.0.weight", 0.5},
                                                             {"b.pose.layer2.0.weight", 0.5},
                                                             {"head.weight", 1.0}};
  EXPECT_EQ(scales, expected);
}

TEST(LayerDecayTest, TheHalvesOfAFactorisedConvolutionAreInOneLayer) {
  Model model;
  for (const char* name : {"stem", "layer1.0.conv1.spatial", "layer1.0.conv1",
                           "layer1.0.conv2.spatial", "layer1.0.conv2", "fc"}) {
    model.stages.push_back(std::make_unique<NamedStage>(
        name, std::vector<NamedTensor>{Parameter(std::string(name) + ".weight", 2)}));
  }
  const std::vector<double> expected{0.25, 0.5, 0.5, 0.5, 0.5, 1.0};
  EXPECT_EQ(LayerLrScales(model, 0.5), expected);
}

TEST(LayerDecayTest, PositionTablesHaveNoDecayIfNormsHaveNone) {
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
