// Python's safetensors reads our files, and we read its files.
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "models/weights/weights.h"

namespace slimreel {
namespace {

// Element i is i + 1: what testing/safetensors_check.py expects.
at::Tensor Counted(at::IntArrayRef shape, at::ScalarType type) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return at::arange(1, count + 1, at::kLong).to(type).view(shape);
}

std::vector<NamedTensor> AllTypes() {
  return {{"f64", Counted({3}, at::kDouble)},
          {"blocks.0.f32", Counted({2, 3, 4}, at::kFloat)},
          {"f16", Counted({5}, at::kHalf)},
          {"i64", Counted({}, at::kLong)},
          {"i32", Counted({2, 2}, at::kInt)},
          {"i16", Counted({3}, at::kShort)},
          {"i8", Counted({3}, at::kChar)},
          {"u8", Counted({7}, at::kByte)},
          {"bool", at::arange(4, at::kLong).remainder(2).eq(0)},
          {"empty", Counted({0, 5}, at::kFloat)},
          {"turned", Counted({2, 3}, at::kFloat).t()}};
}

TEST(SafetensorsInteropTest, PythonReadsOurFileAndWeReadPythons) {
  const char* python = std::getenv("SLIMREEL_PARITY_PYTHON");
  if (python == nullptr || *python == '\0') {
    GTEST_SKIP() << "SLIMREEL_PARITY_PYTHON is not set (tools/parity/setup.sh prints it)";
  }
  const char* root = std::getenv("TEST_TMPDIR");
  const std::string folder = root != nullptr ? root : "/tmp";
  const std::string ours = folder + "/ours.safetensors", theirs = folder + "/theirs.safetensors";
  const std::vector<NamedTensor> saved = AllTypes();
  ASSERT_TRUE(SaveWeights(ours, saved, {{"step", "3"}}).ok());
  const std::string command = std::string("'") + python +
                              "' models/weights/testing/safetensors_check.py '" + ours + "' '" +
                              theirs + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;

  std::vector<NamedTensor> loaded;
  for (const NamedTensor& tensor : saved) {
    loaded.push_back({tensor.name, at::zeros_like(tensor.tensor)});
  }
  LoadOptions strict;
  strict.convert_type = false;  // the types must be ours as well
  const auto report = LoadInto(loaded, theirs, strict);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->metadata.at("epoch"), "4");
  for (size_t i = 0; i < saved.size(); ++i) {
    EXPECT_TRUE(at::equal(saved[i].tensor, loaded[i].tensor)) << saved[i].name;
  }
}

}  // namespace
}  // namespace slimreel
