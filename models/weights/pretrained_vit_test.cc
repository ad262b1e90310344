// Every published form of VideoMAE's weights gives the same logits, and a bias of keys changes
// no logit.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/test_files.h"
#include "models/factory/factory.h"
#include "models/testing/formula.h"
#include "models/weights/pretrained.h"
#include "models/weights/weights.h"

namespace slimreel {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using Named = std::map<std::string, at::Tensor>;

constexpr int64_t kLayers = 4, kHeads = 4, kDim = 128;  // video_vit_nano
const char* const kInner = ".attention.attention.";

std::unique_ptr<Model> Nano(uint64_t seed) {
  ModelSpec spec;
  spec.name = "video_vit_nano";
  spec.num_classes = 5;
  spec.num_frames = 4;
  spec.height = spec.width = 32;
  spec.seed = seed;
  spec.dtype = at::kDouble;
  auto model = BuildModel(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(*model);
}

at::Tensor Clips() { return FormulaInputs({{2, 3, 4, 32, 32}}, at::kDouble)[0]; }

at::Tensor LogitsOf(const Model& model) {
  const at::NoGradGuard no_grad;
  Tensors slots{Clips()};
  for (const auto& stage : model.stages) slots = stage->Forward(StageContext(), slots);
  return slots[0];
}

// The network whose weights are published. Every bias is random, also those that start at zero.
class VideoMaeFormsTest : public ::testing::Test {
 protected:
  VideoMaeFormsTest() : source_(Nano(1)) {
    RandomiseByFormula(source_->stages);
    for (const NamedTensor& named : Parameters(*source_)) {
      accepted_[named.name] = named.tensor.detach();
    }
  }

  static std::string Layer(int64_t i) { return "videomae.encoder.layer." + std::to_string(i); }

  // As transformers 5.5.1 to 5.17.0 saves it.
  Named WithThreeBiases() const {
    Named form = accepted_;
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string inner = Layer(i) + kInner;
      form[inner + "query.bias"] = form.extract(inner + "q_bias").mapped();
      form[inner + "value.bias"] = form.extract(inner + "v_bias").mapped();
      form[inner + "key.bias"] = 3 * FormulaTensor(inner + "key.bias", {kDim});
    }
    return form;
  }

  // As MCG-NJU/VideoMAE saves it.
  Named OfTheAuthors(const std::string& prefix) const {
    const std::pair<const char*, const char*> renamed[] = {
        {".attention.output.dense", ".attn.proj"},
        {".layernorm_before", ".norm1"},
        {".layernorm_after", ".norm2"},
        {".intermediate.dense", ".mlp.fc1"},
        {".output.dense", ".mlp.fc2"},
    };
    const std::string patches = "videomae.embeddings.patch_embeddings.projection";
    Named form;
    for (const char* end : {".weight", ".bias"}) {
      form[prefix + "patch_embed.proj" + end] = accepted_.at(patches + end);
      form[prefix + "head" + end] = accepted_.at(std::string("classifier") + end);
      form[prefix + "fc_norm" + end] = accepted_.at(std::string("fc_norm") + end);
    }
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string block = prefix + "blocks." + std::to_string(i);
      for (const auto& [ours, theirs] : renamed) {
        for (const char* end : {".weight", ".bias"}) {
          form[block + theirs + end] = accepted_.at(Layer(i) + ours + end);
        }
      }
      const std::string inner = Layer(i) + kInner;
      form[block + ".attn.q_bias"] = accepted_.at(inner + "q_bias");
      form[block + ".attn.v_bias"] = accepted_.at(inner + "v_bias");
      form[block + ".attn.qkv.weight"] =
          at::cat({accepted_.at(inner + "query.weight"), accepted_.at(inner + "key.weight"),
                   accepted_.at(inner + "value.weight")});
    }
    return form;
  }

  // A model with the form's weights, which must equal this one to the last bit.
  PretrainedReport ExpectSameLogits(const Named& form, const std::string& what) {
    std::vector<NamedTensor> tensors;
    for (const auto& [name, tensor] : form) tensors.push_back({name, tensor});
    const std::string path = TestFolder("form") + "/model.safetensors";
    EXPECT_TRUE(SaveWeights(path, tensors).ok());
    const std::unique_ptr<Model> model = Nano(2);
    const auto report = LoadPretrained(*model, *OpenPretrained(path));
    EXPECT_TRUE(report.ok()) << what << report.status();
    EXPECT_TRUE(at::equal(LogitsOf(*model), LogitsOf(*source_))) << what;
    return report.ok() ? *report : PretrainedReport();
  }

  std::unique_ptr<Model> source_;
  Named accepted_;
};

TEST_F(VideoMaeFormsTest, AllGiveTheSameLogitsToTheLastBit) {
  const auto count = static_cast<int64_t>(accepted_.size());
  EXPECT_TRUE(ExpectSameLogits(accepted_, "published").notes.empty());
  const PretrainedReport three = ExpectSameLogits(WithThreeBiases(), "transformers 5.6");
  EXPECT_EQ(three.loaded, count);
  EXPECT_THAT(three.notes, Contains(HasSubstr("left out 4 biases of keys (key.bias), which softmax "
                                              "ignores")));
  Named both = WithThreeBiases();
  both.insert(accepted_.begin(), accepted_.end());
  EXPECT_THAT(ExpectSameLogits(both, "both").notes, Contains(HasSubstr("the second names of 8")));
  for (const std::string prefix : {"", "module.", "model.", "encoder.", "module.encoder."}) {
    const PretrainedReport authors = ExpectSameLogits(OfTheAuthors(prefix), "authors " + prefix);
    EXPECT_EQ(authors.loaded, count);
    EXPECT_THAT(authors.notes, Contains(HasSubstr("keys of the authors' code")));
  }
}

TEST_F(VideoMaeFormsTest, TwoNamesOfOneBiasWithDifferentValuesAreRefused) {
  Named both = WithThreeBiases();
  both.insert(accepted_.begin(), accepted_.end());
  const std::string second = Layer(2) + kInner + "value.bias";
  both[second] = both[second] + 1;
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : both) tensors.push_back({name, tensor});
  const std::string path = TestFolder("differ") + "/model.safetensors";
  ASSERT_TRUE(SaveWeights(path, tensors).ok());
  const absl::Status status = LoadPretrained(*Nano(2), *OpenPretrained(path)).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(second + " differs from " + Layer(2) + kInner + "v_bias"));
}

// Hugging Face's VideoMAEForVideoClassification of transformers 5.6.0 in plain operators,
// weights by their names there: biases of query, key and value.
class Reference {
 public:
  explicit Reference(Named weights) : w_(std::move(weights)) {}

  at::Tensor Logits(const at::Tensor& clips) const {
    const std::string patches = "videomae.embeddings.patch_embeddings.projection";
    at::Tensor x =
        at::conv3d(clips, w_.at(patches + ".weight"), w_.at(patches + ".bias"), {2, 16, 16})
            .flatten(2)
            .transpose(1, 2);
    x = x + Positions(x.size(1));
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string layer = "videomae.encoder.layer." + std::to_string(i);
      x = x + Attention(layer, Norm(layer + ".layernorm_before", x, 1e-12));
      const at::Tensor hidden = at::gelu(
          Linear(layer + ".intermediate.dense", Norm(layer + ".layernorm_after", x, 1e-12)));
      x = x + Linear(layer + ".output.dense", hidden);
    }
    return Linear("classifier", Norm("fc_norm", x.mean(1), 1e-5));
  }

 private:
  at::Tensor Linear(const std::string& key, const at::Tensor& x) const {
    return at::linear(x, w_.at(key + ".weight"), w_.at(key + ".bias"));
  }
  at::Tensor Norm(const std::string& key, const at::Tensor& x, double eps) const {
    return at::layer_norm(x, {kDim}, w_.at(key + ".weight"), w_.at(key + ".bias"), eps);
  }
  at::Tensor Attention(const std::string& layer, const at::Tensor& x) const {
    const auto split = [&](const char* what) {
      return Linear(layer + kInner + what, x)
          .view({x.size(0), x.size(1), kHeads, kDim / kHeads})
          .transpose(1, 2);
    };
    const at::Tensor scores =
        at::matmul(split("query"), split("key").transpose(2, 3)) / std::sqrt(kDim / kHeads);
    const at::Tensor mixed = at::matmul(at::softmax(scores, -1), split("value"));
    return Linear(layer + ".attention.output.dense", mixed.transpose(1, 2).reshape(x.sizes()));
  }
  static at::Tensor Positions(int64_t tokens) {
    at::Tensor table = at::empty({1, tokens, kDim}, at::kFloat);
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t i = 0; i < kDim; ++i) {
        const double angle = t / std::pow(10000.0, 2.0 * (i / 2) / kDim);
        table[0][t][i] = i % 2 == 0 ? std::sin(angle) : std::cos(angle);
      }
    }
    return table.to(at::kDouble);
  }
  Named w_;
};

TEST_F(VideoMaeFormsTest, ABiasOfKeysChangesNoLogit) {
  const Named form = WithThreeBiases();
  ASSERT_GT(form.at(Layer(0) + kInner + "key.bias").abs().max().item<double>(), 1);
  const at::Tensor with_bias = Reference(form).Logits(Clips());
  EXPECT_LT((with_bias - LogitsOf(*source_)).abs().max().item<double>(), 1e-12);
  // Leaving out another bias is visible, so the bound is not too wide.
  Named other = form;
  other[Layer(0) + kInner + "query.bias"].zero_();
  EXPECT_GT((Reference(other).Logits(Clips()) - with_bias).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace slimreel
