#include "models/weights/weights.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

namespace slimreel {
namespace {

std::string Path(const std::string& name) {
  const char* root = std::getenv("TEST_TMPDIR");
  return std::string(root != nullptr ? root : "/tmp") + "/" + name;
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

std::vector<NamedTensor> Model() {
  return {{"conv.weight", at::arange(24, at::kFloat).view({2, 3, 4})},
          {"bn.num_batches_tracked", at::arange(1, at::kLong).view(at::IntArrayRef{})},
          {"head.bias", at::arange(5, at::kDouble)},
          {"mask", at::arange(3, at::kByte)},
          {"turned", at::arange(6, at::kFloat).view({2, 3}).t()}};
}

TEST(WeightsTest, TensorsComeBackBitForBit) {
  const std::vector<NamedTensor> saved = Model();
  ASSERT_TRUE(SaveWeights(Path("model.safetensors"), saved, {{"step", "3"}}).ok());
  std::vector<NamedTensor> loaded = Model();
  for (NamedTensor& tensor : loaded) tensor.tensor.zero_();
  const auto report = LoadInto(loaded, Path("model.safetensors"));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->loaded, 5);
  EXPECT_EQ(report->metadata.at("step"), "3");
  for (size_t i = 0; i < saved.size(); ++i) {
    EXPECT_TRUE(at::equal(saved[i].tensor, loaded[i].tensor)) << saved[i].name;
  }
}

// Compares with the bytes of 1.0 and 2.0 as IEEE 754 and bfloat16 define them. Reading back
// would not find two swapped names in the table of types, because it uses the same table.
TEST(WeightsTest, EachDtypeIsWrittenUnderItsNameWithItsOwnBytes) {
  const std::vector<std::tuple<at::ScalarType, std::string, std::string>> types = {
      {at::kHalf, "F16", std::string("\x00\x3c\x00\x40", 4)},
      {at::kBFloat16, "BF16", std::string("\x80\x3f\x00\x40", 4)},
      {at::kFloat, "F32", std::string("\x00\x00\x80\x3f\x00\x00\x00\x40", 8)},
      {at::kShort, "I16", std::string("\x01\x00\x02\x00", 4)},
      {at::kInt, "I32", std::string("\x01\x00\x00\x00\x02\x00\x00\x00", 8)}};
  for (const auto& [type, name, bytes] : types) {
    const std::string path = Path("dtype.safetensors");
    ASSERT_TRUE(SaveWeights(path, {{"w", at::arange(1, 3, at::kLong).to(type)}}).ok());
    const std::string file = Contents(path);
    EXPECT_NE(file.find("\"dtype\":\"" + name + "\""), std::string::npos) << name;
    EXPECT_EQ(file.substr(file.size() - bytes.size()), bytes) << name;
  }
}

TEST(WeightsTest, TheFileDoesNotDependOnTheOrderOfTheTensors) {
  std::vector<NamedTensor> tensors = Model();
  ASSERT_TRUE(SaveWeights(Path("a.safetensors"), tensors).ok());
  std::swap(tensors[0], tensors[3]);
  ASSERT_TRUE(SaveWeights(Path("b.safetensors"), tensors).ok());
  EXPECT_EQ(Contents(Path("a.safetensors")), Contents(Path("b.safetensors")));
}

TEST(WeightsTest, ParametersThatRequireGradAreLoadedInPlaceAndConverted) {
  const at::Tensor source = at::arange(3'000'000, at::kFloat);  // several chunks
  ASSERT_TRUE(SaveWeights(Path("f32.safetensors"), {{"w", source}}).ok());
  at::Tensor parameter = at::zeros({3'000'000}, at::kDouble).requires_grad_();
  const void* before = parameter.const_data_ptr();
  ASSERT_TRUE(LoadInto({{"w", parameter}}, Path("f32.safetensors")).ok());
  EXPECT_EQ(parameter.const_data_ptr(), before);
  EXPECT_TRUE(at::equal(parameter.detach(), source.to(at::kDouble)));
  LoadOptions strict;
  strict.convert_type = false;
  EXPECT_TRUE(absl::IsInvalidArgument(
      LoadInto({{"w", parameter}}, Path("f32.safetensors"), strict).status()));
}

// A checkpoint of a run that diverged can still be loaded.
TEST(WeightsTest, NonFiniteValuesAreLoadedAndReported) {
  std::vector<NamedTensor> saved = Model();
  saved[0].tensor.view({-1})[23].fill_(std::numeric_limits<float>::quiet_NaN());
  saved[4].tensor[2][1].fill_(std::numeric_limits<float>::infinity());
  ASSERT_TRUE(SaveWeights(Path("diverged.safetensors"), saved).ok());
  std::vector<NamedTensor> loaded = Model();
  const auto report = LoadInto(loaded, Path("diverged.safetensors"));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->loaded, 5);
  EXPECT_EQ(report->not_finite,
            (std::vector<std::string>{"conv.weight: 1 of 24 values", "turned: 1 of 6 values"}));
  EXPECT_TRUE(loaded[0].tensor.view({-1})[23].isnan().item<bool>());
}

TEST(WeightsTest, AllMismatchesAreReportedAtOnceAndNothingIsWritten) {
  ASSERT_TRUE(SaveWeights(Path("m.safetensors"), Model()).ok());
  std::vector<NamedTensor> other = {{"conv.weight", at::zeros({2, 3, 4})},
                                    {"head.bias", at::zeros({7})},
                                    {"extra.weight", at::zeros({1})}};
  const auto report = LoadInto(other, Path("m.safetensors"));
  ASSERT_TRUE(absl::IsInvalidArgument(report.status()));
  for (const char* part : {"m.safetensors", "missing in the file: 1\n    extra.weight [1]",
                           "head.bias: the file has [5], the model [7]", "mask [3]", "turned"}) {
    EXPECT_NE(report.status().message().find(part), absl::string_view::npos) << part;
  }
  EXPECT_TRUE(at::equal(other[0].tensor, at::zeros({2, 3, 4})));
}

TEST(WeightsTest, DamagedAndMissingFilesAreNamed) {
  EXPECT_TRUE(absl::IsNotFound(LoadInto(Model(), Path("none.safetensors")).status()));
  std::ofstream(Path("cut.safetensors")) << "cut";
  const absl::Status status = LoadInto(Model(), Path("cut.safetensors")).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(status.message().find("cut.safetensors"), absl::string_view::npos);
}

// While a model is loaded, private memory may grow by at most a twentieth of the model, also
// if 64-bit floats become 32-bit floats: the kernel refuses more. Runs in its own process,
// because the limit stays.
void LoadUnderLimit(at::ScalarType stored) {
  constexpr int64_t kElements = 48'000'000;  // 192 MB as float32
  at::Tensor model = at::empty({kElements}, at::kFloat).fill_(1);
  {
    const at::Tensor source = at::empty({kElements}, stored).fill_(2);
    if (!SaveWeights(Path("large.safetensors"), {{"w", source}}).ok()) std::exit(3);
  }
  at::Tensor small = at::empty({4'000'000}, at::kFloat);
  if (!SaveWeights(Path("small.safetensors"), {{"w", small}}).ok() ||
      !LoadInto({{"w", small}}, Path("small.safetensors")).ok()) {
    std::exit(3);  // threads exist from here on
  }
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmData:") {
  }
  rlim_t data_kib = 0;
  status >> data_kib;
  const rlim_t limit = data_kib * 1024 + kElements * sizeof(float) / 20;
  const rlimit limits{limit, limit};
  if (setrlimit(RLIMIT_DATA, &limits) != 0) std::exit(3);
  if (std::malloc(kElements * sizeof(float)) != nullptr) std::exit(4);  // the limit must work
  const auto report = LoadInto({{"w", model}}, Path("large.safetensors"));
  std::exit(report.ok() && model[kElements - 1].item<float>() == 2 ? 0 : 5);
}

TEST(WeightsDeathTest, LoadingNeedsNoSecondCopy) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(LoadUnderLimit(at::kFloat), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(LoadUnderLimit(at::kDouble), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace slimreel
