#include "data/shard/npy.h"

#include <gtest/gtest.h>

#include <cstring>

namespace slimreel {
namespace {

// A file of format 1.0 around a header's text.
std::string HandFile(const std::string& text, const std::string& data) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(text.size() & 0xff);
  file += static_cast<char>(text.size() >> 8);
  return file + text + data;
}

TEST(NpyTest, HeaderEqualsNumPys) {
  // numpy.save of a (2, 3) float32 array: 118 bytes of text, 128 in all.
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  text.append(117 - text.size(), ' ');
  EXPECT_EQ(NpyHeader(NpyType::kFloat32, {2, 3}), HandFile(text + "\n", ""));
}

TEST(NpyTest, AShapeOfOneExtentIsWrittenAsATuple) {
  EXPECT_NE(NpyHeader(NpyType::kInt16, {7}).find("'shape': (7,), }"), std::string::npos);
  EXPECT_NE(NpyHeader(NpyType::kInt16, {}).find("'shape': (), }"), std::string::npos);
}

TEST(NpyTest, ArraysBeginAtAMultipleOf64AndRoundTrip) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{}, {0}, {5}, {1, 2, 3}, {1000000000, 0, 1000000000, 12345678}}) {
    const std::vector<float> values(8, 1.5f);
    const std::string file = NpyFile(NpyType::kFloat32, shape, values.data());
    const auto view = ParseNpy(file);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->shape, shape);
    EXPECT_EQ((view->data.data() - file.data()) % 64, 0);
    EXPECT_TRUE(view->data.empty() || std::memcmp(view->data.data(), values.data(), 4) == 0);
  }
}

TEST(NpyTest, KeysMayComeInAnyOrder) {
  const std::string file = HandFile("{'shape':(2,), 'descr':'|u1','fortran_order':False}\n", "ab");
  const auto view = ParseNpy(file);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->type, NpyType::kUint8);
  EXPECT_EQ(view->data, "ab");
}

TEST(NpyTest, OtherArraysAndDamageAreDataLoss) {
  const std::string good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
  ASSERT_TRUE(ParseNpy(HandFile(good, "ab")).ok());
  const std::vector<std::string> bad = {
      "",
      "\x93NUMPY",
      std::string("\x93NUMPY\x02\x00\x02\x00{}", 12),
      HandFile(good, "a"),
      HandFile(good, "abc"),
      HandFile(good, "ab").substr(0, 40),
      HandFile("{'descr': '|u1', 'fortran_order': True, 'shape': (2,), }\n", "ab"),
      HandFile("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", std::string(16, 0)),
      HandFile("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n", "ab"),
      HandFile("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }\n", "ab"),
      HandFile("{'descr': '|u1', 'fortran_order': False, }\n", "ab"),
      HandFile("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2,)}\n", "ab"),
      HandFile("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'x': 1}\n", "ab"),
      HandFile("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } x\n", "ab"),
      // 2^66 elements: a product that wraps is 0, which the empty data would match.
      HandFile("{'descr': '|u1', 'fortran_order': False, 'shape': (8589934592, 8589934592), }\n",
               ""),
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_TRUE(absl::IsDataLoss(ParseNpy(bad[i]).status())) << i;
  }
}

}  // namespace
}  // namespace slimreel
