// Compares keys, shapes and parameter counts of the published sizes, without memory, with what
// tools/parity/check_hugging_face.py --keys recorded from Hugging Face's classes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/factory/description.h"
#include "models/factory/factory.h"
#include "models/layers/keyed_random.h"

namespace slimreel {
namespace {

// The same as `digest` of check_hugging_face.py; LayerId is FNV-1a.
std::string Digest(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> lines;
  for (const NamedTensor& named : tensors) {
    std::string line = named.name;
    for (int64_t size : named.tensor.sizes()) line += " " + std::to_string(size);
    lines.push_back(line + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line;
  char hex[17];
  std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(LayerId(all)));
  return hex;
}

TEST(PublishedTransformersTest, HaveHuggingFacesKeysShapesAndParameterCounts) {
  std::ifstream file("models/factory/testdata/published_transformers.json");
  const nlohmann::json table = nlohmann::json::parse(file);
  ASSERT_EQ(table.size(), 9u);
  for (const auto& [name, expected] : table.items()) {
    ModelSpec spec;
    spec.name = name;
    spec.num_classes = 400;
    spec.num_frames = name == "timesformer_base" ? 8 : 16;
    spec.height = spec.width = 224;
    spec.device = at::kMeta;
    const ModelResult model = BuildModel(spec);
    ASSERT_TRUE(model.ok()) << model.status();
    std::vector<NamedTensor> all = Parameters(**model);
    for (const NamedTensor& named : Buffers(**model)) all.push_back(named);
    for (const NamedTensor& named : all) EXPECT_TRUE(named.tensor.is_meta()) << named.name;
    EXPECT_EQ(CountParameters(**model).published(), expected["parameters"].get<int64_t>()) << name;
    EXPECT_EQ(all.size(), expected["keys"].get<size_t>()) << name;
    EXPECT_EQ(Digest(all), expected["digest"].get<std::string>()) << name;
  }
}

// The model card's 37.76 M include the audio positions, 1500 x 384, which are never trained.
TEST(PublishedTransformersTest, FixedTablesCountAsPublishedAndNotAsTrained) {
  ModelSpec spec;
  spec.name = "whisper_tiny";
  spec.device = at::kMeta;
  const ModelResult model = BuildModel(spec);
  ASSERT_TRUE(model.ok()) << model.status();
  const ParameterCount count = CountParameters(**model);
  EXPECT_EQ(count.published(), 37'760'640);
  EXPECT_EQ(count.trained, 37'184'640);
  EXPECT_EQ(count.fixed, 1500 * 384);
}

}  // namespace
}  // namespace slimreel
