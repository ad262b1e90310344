#include "models/weights/vit_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "models/weights/key_rules.h"

namespace slimreel {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kLayer = "videomae.encoder.layer.0.";
const std::string kInner = kLayer + "attention.attention.";

std::set<std::string> VideoMae() {
  return {"videomae.embeddings.patch_embeddings.projection.weight", kInner + "q_bias",
          kInner + "v_bias", "fc_norm.weight", "classifier.weight"};
}

std::vector<WeightEntry> Entries(const std::vector<std::string>& names) {
  std::vector<WeightEntry> entries;
  for (const std::string& name : names) entries.push_back({name, WeightType::kF32, {6, 2}, 0, 48});
  return entries;
}

std::vector<std::string> NamesOf(const RenamedKeys& keys) {
  std::vector<std::string> names;
  for (const WeightEntry& entry : keys.entries) names.push_back(entry.name);
  return names;
}

// Keys of MCG-NJU/VideoMAE, modeling_finetune.py; with each prefix that its checkpoints have.
TEST(VitKeysTest, TheAuthorsVideoMaeTakesHuggingFacesNames) {
  const std::string at = "videomae.encoder.layer.11.";
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"patch_embed.proj.weight", "videomae.embeddings.patch_embeddings.projection.weight"},
      {"blocks.11.norm1.bias", at + "layernorm_before.bias"},
      {"blocks.11.norm2.weight", at + "layernorm_after.weight"},
      {"blocks.11.attn.q_bias", at + "attention.attention.q_bias"},
      {"blocks.11.attn.v_bias", at + "attention.attention.v_bias"},
      {"blocks.11.attn.proj.weight", at + "attention.output.dense.weight"},
      {"blocks.11.mlp.fc1.bias", at + "intermediate.dense.bias"},
      {"blocks.11.mlp.fc2.weight", at + "output.dense.weight"},
      {"fc_norm.weight", "fc_norm.weight"},
      {"head.bias", "classifier.bias"}};
  for (const std::string prefix :
       {"", "module.", "model.", "encoder.", "backbone.", "module.model.encoder."}) {
    std::vector<std::string> stored{prefix + "blocks.0.attn.qkv.weight"}, expected;
    for (const char* part : {"query.weight", "key.weight", "value.weight"}) {
      expected.push_back(kInner + part);
    }
    for (const auto& [theirs, ours] : pairs) {
      stored.push_back(prefix + theirs);
      expected.push_back(ours);
    }
    EXPECT_EQ(NamesOf(RenameKeys(Entries(stored), VideoMae())), expected) << prefix;
  }
}

TEST(VitKeysTest, AJointProjectionIsCutIntoThirdsOfItsBytes) {
  std::vector<WeightEntry> stored = Entries({"head.weight", "blocks.0.attn.qkv.weight"});
  stored[1].offset = 1000;
  const RenamedKeys keys = RenameKeys(stored, VideoMae());
  ASSERT_THAT(keys.stored_of, ElementsAre(0, 1, 1, 1));
  for (size_t part = 0; part < 3; ++part) {
    const WeightEntry& entry = keys.entries[1 + part];
    EXPECT_THAT(entry.shape, ElementsAre(2, 2));
    EXPECT_EQ(entry.bytes, 16u);
    EXPECT_EQ(entry.offset, 1000 + 16 * part);
  }
  stored[1].shape = {7, 2};  // cannot be cut into thirds: stays, and its name is refused later
  EXPECT_THAT(NamesOf(RenameKeys(stored, VideoMae())), Contains(kInner + "qkv.weight"));
}

TEST(VitKeysTest, TheAuthorsPreTrainingLeavesOnlyTheBackbone) {
  const RenamedKeys keys =
      RenameKeys(Entries({"mask_token", "encoder.patch_embed.proj.weight",
                          "encoder.blocks.0.attn.q_bias", "encoder.blocks.0.attn.qkv.weight",
                          "encoder.norm.weight", "decoder.blocks.0.attn.qkv.weight",
                          "decoder.head.bias", "encoder_to_decoder.weight"}),
                 VideoMae());
  EXPECT_THAT(NamesOf(keys),
              ElementsAre("", "videomae.embeddings.patch_embeddings.projection.weight",
                          kInner + "q_bias", kInner + "query.weight", kInner + "key.weight",
                          kInner + "value.weight", "", "", "", ""));
  EXPECT_THAT(keys.notes, Contains(HasSubstr("left out 5 tensors")));
}

TEST(VitKeysTest, PartsOfVideoMaesPretrainingAreLeftOutInOneLine) {
  const RenamedKeys keys =
      RenameKeys(Entries({"mask_token", "encoder_to_decoder.weight", "decoder.norm.bias",
                          "videomae.layernorm.bias", kInner + "query.bias", kInner + "value.bias",
                          kInner + "key.weight"}),
                 VideoMae());
  EXPECT_THAT(NamesOf(keys), ElementsAre("", "", "", "", kInner + "q_bias", kInner + "v_bias",
                                         kInner + "key.weight"));
  ASSERT_EQ(keys.notes.size(), 1u);
  EXPECT_THAT(keys.notes[0], HasSubstr("left out 4 tensors"));
}

TEST(VitKeysTest, BiasesOfKeysAreLeftOutWithOneNote) {
  const std::string second = "videomae.encoder.layer.1.attention.attention.";
  const RenamedKeys keys =
      RenameKeys(Entries({kInner + "query.bias", kInner + "key.bias", kInner + "key.weight",
                          second + "key.bias", second + "value.bias"}),
                 VideoMae());
  EXPECT_THAT(NamesOf(keys),
              ElementsAre(kInner + "q_bias", "", kInner + "key.weight", "", second + "v_bias"));
  ASSERT_EQ(keys.notes.size(), 1u);
  EXPECT_THAT(keys.notes[0], HasSubstr("left out 2 biases of keys"));
  EXPECT_THAT(keys.tied, IsEmpty());
}

// In any order: both names of a bias are one tensor, whose values the caller compares.
TEST(VitKeysTest, BothNamesOfABiasAreOneTensor) {
  const RenamedKeys keys = RenameKeys(
      Entries({kInner + "query.bias", kInner + "q_bias", kInner + "v_bias", kInner + "value.bias"}),
      VideoMae());
  EXPECT_THAT(NamesOf(keys), ElementsAre("", kInner + "q_bias", kInner + "v_bias", ""));
  EXPECT_THAT(keys.tied,
              ElementsAre(std::pair<size_t, size_t>(0, 1), std::pair<size_t, size_t>(3, 2)));
}

TEST(VitKeysTest, TheSecondNameBelongsToTheSameBias) {
  EXPECT_EQ(SecondNameOfBias(kInner + "q_bias"), kInner + "query.bias");
  EXPECT_EQ(SecondNameOfBias(kInner + "v_bias"), kInner + "value.bias");
  EXPECT_EQ(SecondNameOfBias(kInner + "key.weight"), "");
  EXPECT_EQ(SecondNameOfBias(kLayer + "output.dense.bias"), "");
}

TEST(VitKeysTest, AClassifierOfTheFirstTokenIsNotUsedOnTheMean) {
  const std::vector<std::string> first_token = {kInner + "q_bias", "videomae.layernorm.weight",
                                                "classifier.weight"};
  const RenamedKeys keys = RenameKeys(Entries(first_token), VideoMae());
  EXPECT_THAT(NamesOf(keys), ElementsAre(kInner + "q_bias", "", ""));
  EXPECT_THAT(keys.notes, Contains(HasSubstr("reads the first token")));
  EXPECT_EQ(ClassesOfHead(keys.entries), std::nullopt);
  const RenamedKeys mean =
      RenameKeys(Entries({kInner + "q_bias", "fc_norm.weight", "classifier.weight"}), VideoMae());
  EXPECT_THAT(NamesOf(mean), Contains("classifier.weight"));
  EXPECT_THAT(mean.notes, IsEmpty());
}

// Keys of facebookresearch/TimeSformer, timesformer/models/vit.py; its files have "model.".
TEST(VitKeysTest, TheAuthorsTimesformerTakesHuggingFacesNames) {
  const std::string at = "timesformer.encoder.layer.3.";
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"cls_token", "timesformer.embeddings.cls_token"},
      {"pos_embed", "timesformer.embeddings.position_embeddings"},
      {"time_embed", "timesformer.embeddings.time_embeddings"},
      {"patch_embed.proj.bias", "timesformer.embeddings.patch_embeddings.projection.bias"},
      {"blocks.3.norm1.weight", at + "layernorm_before.weight"},
      {"blocks.3.attn.qkv.weight", at + "attention.attention.qkv.weight"},
      {"blocks.3.attn.qkv.bias", at + "attention.attention.qkv.bias"},
      {"blocks.3.attn.proj.bias", at + "attention.output.dense.bias"},
      {"blocks.3.temporal_norm1.bias", at + "temporal_layernorm.bias"},
      {"blocks.3.temporal_attn.qkv.weight", at + "temporal_attention.attention.qkv.weight"},
      {"blocks.3.temporal_attn.proj.weight", at + "temporal_attention.output.dense.weight"},
      {"blocks.3.temporal_fc.weight", at + "temporal_dense.weight"},
      {"blocks.3.norm2.bias", at + "layernorm_after.bias"},
      {"blocks.3.mlp.fc1.weight", at + "intermediate.dense.weight"},
      {"blocks.3.mlp.fc2.bias", at + "output.dense.bias"},
      {"norm.weight", "timesformer.layernorm.weight"},
      {"head.weight", "classifier.weight"}};
  for (const std::string prefix : {"", "model.", "module.model."}) {
    std::vector<std::string> stored, expected;
    for (const auto& [theirs, ours] : pairs) {
      stored.push_back(prefix + theirs);
      expected.push_back(ours);
    }
    const std::set<std::string> model(expected.begin(), expected.end());
    EXPECT_EQ(NamesOf(RenameKeys(Entries(stored), model)), expected) << prefix;
  }
}

TEST(VitKeysTest, OtherModelsAndOtherFilesKeepTheirKeys) {
  const std::vector<std::string> names = {"blocks.0.attn.qkv.weight", "head.weight", "norm.bias"};
  EXPECT_EQ(NamesOf(RenameKeys(Entries(names), {"stem.0.weight"})), names);
  const std::vector<std::string> others = {"patch_embed.proj.weight", "head.weight"};
  EXPECT_EQ(NamesOf(RenameKeys(Entries(others), VideoMae())), others);
}

TEST(VitKeysTest, LayoutsOfTheAuthorsAreRecognised) {
  EXPECT_EQ(LayoutOf(Entries({"module.blocks.0.attn.q_bias"})), "the authors' VideoMAE");
  EXPECT_EQ(LayoutOf(Entries({"blocks.0.attn.qkv.bias", "model.blocks.0.temporal_attn.qkv.bias"})),
            "the authors' TimeSformer");
  EXPECT_EQ(LayoutOf(Entries({kInner + "q_bias"})), "Hugging Face VideoMAE");
}

}  // namespace
}  // namespace slimreel
