#include "data/shard/tar.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace slimreel {
namespace {

// A ustar block, field by field as POSIX describes it.
std::string HandBlock(const std::string& name, const std::string& size_field, char type) {
  std::string block(512, '\0');
  block.replace(0, name.size(), name);
  block.replace(100, 7, "0000644");
  block.replace(108, 7, "0000000");
  block.replace(116, 7, "0000000");
  block.replace(124, size_field.size(), size_field);
  block.replace(136, 11, "00000000000");
  block.replace(148, 8, "        ");
  block[156] = type;
  block.replace(257, 8,
                std::string("ustar\0"
                            "00",
                            8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<uint8_t>(c);
  std::string digits;
  for (int shift = 15; shift >= 0; shift -= 3)
    digits += static_cast<char>('0' + (sum >> shift & 7));
  block.replace(148, 8, digits + std::string("\0 ", 2));
  return block;
}

std::string Padded(std::string content) {
  content.resize((content.size() + 511) / 512 * 512, '\0');
  return content;
}

const std::string kTrailer(1024, '\0');

// Returns names and sizes of the members, and the status in `status`.
std::vector<std::pair<std::string, uint64_t>> Scan(const std::string& tar, absl::Status* status) {
  std::vector<std::pair<std::string, uint64_t>> members;
  *status = ScanTar(tar, [&members](const TarMember& member) {
    members.emplace_back(member.name, member.size);
    return absl::OkStatus();
  });
  return members;
}

TEST(TarTest, HeaderEqualsTheBytesOfTheStandard) {
  EXPECT_EQ(TarHeader("a.json", 83), HandBlock("a.json", "00000000123", '0'));
}

TEST(TarTest, EightGibibytesMinusOneIsTheLargestSizeWithoutPax) {
  EXPECT_EQ(TarHeader("a", (uint64_t{8} << 30) - 1), HandBlock("a", "77777777777", '0'));
  const std::string pax = TarHeader("a", uint64_t{8} << 30);
  EXPECT_EQ(pax, HandBlock("PaxHeaders/member", "00000000023", 'x') +
                     Padded("19 size=8589934592\n") + HandBlock("a", "00000000000", '0'));
}

TEST(TarTest, ALargePaxSizeIsReadCompletely) {
  // The content is missing, so the scan must lack exactly 10^13 bytes.
  const std::string tar = HandBlock("PaxHeaders/member", "00000000027", 'x') +
                          Padded("23 size=10000000000000\n") + HandBlock("a", "00000000000", '0') +
                          kTrailer;
  absl::Status status;
  EXPECT_TRUE(Scan(tar, &status).empty());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("10000000000000 bytes"), absl::string_view::npos) << status;
}

TEST(TarTest, ASizeThatWrapsWhenPaddedIsRefused) {
  const std::string record = "29 size=18446744073709551615\n";
  const std::string tar = HandBlock("PaxHeaders/member", "00000000035", 'x') + Padded(record) +
                          HandBlock("a", "00000000000", '0') + kTrailer;
  absl::Status status;
  Scan(tar, &status);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST(TarTest, ScanReadsUstarPaxAndGnuNamesInOrder) {
  const std::string long_name(130, 'n');
  const std::string tar =
      HandBlock("a.json", "00000000003", '0') + Padded("abc") +
      HandBlock("folder", "00000000000", '5') + HandBlock("PaxHeaders/member", "00000000017", 'x') +
      Padded("15 path=b.json\n") + HandBlock("short", "00000000000", '0') +
      HandBlock("././@LongLink", "00000000203", 'L') + Padded(long_name + '\0') +
      HandBlock("cut", std::string("\x80\0\0\0\0\0\0\0\0\0\x02\x01", 12), '0') +
      Padded(std::string(513, 'z')) + kTrailer;
  absl::Status status;
  const auto members = Scan(tar, &status);
  ASSERT_TRUE(status.ok()) << status;
  const std::vector<std::pair<std::string, uint64_t>> expected = {
      {"a.json", 3}, {"b.json", 0}, {long_name, 513}};
  EXPECT_EQ(members, expected);
}

TEST(TarTest, CutAndDamagedTarsAreDataLoss) {
  const std::string whole = HandBlock("a", "00000000003", '0') + Padded("abc") + kTrailer;
  absl::Status status;
  for (const size_t bytes : {size_t{0}, size_t{511}, size_t{512}, size_t{1023}, size_t{1024}}) {
    Scan(whole.substr(0, bytes), &status);
    EXPECT_TRUE(absl::IsDataLoss(status)) << bytes << ": " << status;
  }
  for (const size_t at : {0, 124, 148, 156, 257}) {
    std::string damaged = whole;
    damaged[at] ^= 0x40;
    Scan(damaged, &status);
    EXPECT_TRUE(absl::IsDataLoss(status)) << at << ": " << status;
  }
}

TEST(TarTest, OnlyAFileHeaderPassesTheQuickCheck) {
  uint64_t size = 0;
  EXPECT_TRUE(IsTarFileHeader(HandBlock("a", "00000000123", '0'), &size));
  EXPECT_EQ(size, 83u);
  EXPECT_FALSE(IsTarFileHeader(HandBlock("a", "00000000123", '5'), &size));
  EXPECT_FALSE(IsTarFileHeader(std::string(512, '\0'), &size));
  EXPECT_FALSE(IsTarFileHeader("", &size));
}

}  // namespace
}  // namespace slimreel
