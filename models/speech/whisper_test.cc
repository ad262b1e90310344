// Compares Whisper with plain PyTorch, by a fixture of tools/parity/make_transformer_fixtures.py,
// and checks the tied output.
#include "models/speech/whisper.h"

#include <gtest/gtest.h>

#include "models/testing/parity.h"

namespace slimreel {
namespace {

WhisperStages Small(at::ScalarType dtype = at::kDouble) {
  const WhisperConfig config{.dim = 24,
                             .heads = 3,
                             .encoder_layers = 2,
                             .decoder_layers = 2,
                             .mels = 6,
                             .vocabulary = 40,
                             .audio_positions = 11,
                             .text_positions = 9,
                             .pad_id = 39};
  ModelSpec spec;
  spec.dtype = dtype;
  spec.label_smoothing = 0.1;
  return MakeWhisperStages(config, spec);
}

TEST(WhisperTest, EqualsTheReferenceInBothPrecisionsModesAndForms) {
  ExpectParity("models/speech/testdata/whisper.json",
               [](const nlohmann::json& /*fixture*/, at::ScalarType dtype) {
                 WhisperStages whisper = Small(dtype);
                 return ParityChain{std::move(whisper.stages), std::move(whisper.loss)};
               });
}

TEST(WhisperTest, OutputProjectionIsTheTokenEmbeddingItself) {
  const WhisperStages whisper = Small();
  ASSERT_EQ(whisper.loss->parameters().size(), 1u);
  const NamedTensor& tied = whisper.loss->parameters()[0];
  EXPECT_EQ(tied.name, "model.decoder.embed_tokens.weight");
  int found = 0;
  for (const auto& stage : whisper.stages) {
    for (const NamedTensor& named : stage->parameters()) {
      if (named.name != tied.name) continue;
      EXPECT_TRUE(named.tensor.is_same(tied.tensor));
      ++found;
    }
  }
  EXPECT_EQ(found, 1);
}

// The numbers are sinusoids(4, 6) of modeling_whisper.py, printed by torch 2.13.
TEST(WhisperTest, AudioPositionsAreTheReferences) {
  const at::Tensor positions = AudioPositions(3, 6);
  const double third[] = {0.9092974, 0.0199987, 0.0002, -0.4161468, 0.9998, 1.0};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(positions[2][i].item<double>(), third[i], 1e-6) << i;
}

}  // namespace
}  // namespace slimreel
