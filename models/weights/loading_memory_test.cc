// Measures the memory that loading takes beyond the model, with the allocator that counts
// tensor bytes.
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "base/test_files.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "models/weights/pretrained.h"
#include "models/weights/weights.h"

namespace slimreel {
namespace {

ModelSpec Spec() {
  ModelSpec spec;
  spec.name = "video_vit_small";
  spec.num_classes = 400;
  return spec;
}

std::vector<NamedTensor> AllTensors(const Model& model) {
  std::vector<NamedTensor> tensors = Parameters(model);
  for (NamedTensor& buffer : Buffers(model)) tensors.push_back(std::move(buffer));
  return tensors;
}

// The model's weights as two shards of `type`.
std::string Shards(const Model& model, at::ScalarType type) {
  const std::string folder = TestFolder(c10::toString(type));
  std::vector<NamedTensor> shards[2];
  std::string map;
  size_t shard = 0;
  for (const NamedTensor& named : AllTensors(model)) {
    shard = 1 - shard;
    shards[shard].push_back({named.name, named.tensor.detach().to(type)});
    map += (map.empty() ? "\"" : ",\"") + named.name + "\": \"" + std::to_string(shard) +
           ".safetensors\"";
  }
  for (size_t i : {0, 1}) {
    const std::string path = folder + "/" + std::to_string(i) + ".safetensors";
    EXPECT_TRUE(SaveWeights(path, shards[i]).ok());
  }
  WriteTestFile(folder + "/model.safetensors.index.json", "{\"weight_map\": {" + map + "}}");
  return folder;
}

// Anonymous memory of the process, in bytes: not file-mapped pages.
int64_t PrivateBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "RssAnon:") {
  }
  int64_t kib = 0;
  status >> kib;
  return kib * 1024;
}

TEST(LoadingMemoryTest, BuildingAndLoadingPeaksWithinATwentiethOfTheModel) {
  const std::unique_ptr<Model> source = std::move(*BuildModel(Spec()));
  int64_t model_bytes = 0;
  for (const NamedTensor& named : AllTensors(*source)) model_bytes += named.tensor.nbytes();
  for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble}) {
    const std::string folder = Shards(*source, type);
    ResetCpuPeaks();
    const int64_t before = ReadCpuMemory().live_bytes;
    // As train and import do: the model first, then the file into it.
    const std::unique_ptr<Model> model = std::move(*BuildModel(Spec()));
    const int64_t private_before = PrivateBytes();
    const auto files = OpenPretrained(folder);
    ASSERT_TRUE(files.ok()) << files.status();
    const auto report = LoadPretrained(*model, *files);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->loaded, static_cast<int64_t>(AllTensors(*source).size()));
    const auto peak = static_cast<double>(ReadCpuMemory().peak_live_bytes - before);
    EXPECT_LE(peak, 1.05 * static_cast<double>(model_bytes)) << type;
    EXPECT_LE(PrivateBytes() - private_before, model_bytes / 20) << type;
    EXPECT_EQ(Parameters(*model)[3]
                  .tensor.detach()
                  .to(type)
                  .eq(Parameters(*source)[3].tensor.detach().to(type))
                  .all()
                  .item<bool>(),
              true);
  }
}

}  // namespace
}  // namespace slimreel
