#include "base/terminal_line.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace slimreel {
namespace {

class TerminalLineTest : public testing::Test {
 protected:
  void TearDown() override { fclose(file_); }

  std::string Written() const {
    fflush(file_);
    rewind(file_);
    std::string text(4096, '\0');
    text.resize(fread(text.data(), 1, text.size(), file_));
    return text;
  }

  FILE* const file_ = tmpfile();
};

TEST_F(TerminalLineTest, ALineOnATerminalReplacesTheOneBefore) {
  TerminalLine line(file_, /*on_terminal=*/true);
  line.Show("one, which is long");
  line.Show("two");
  EXPECT_EQ(Written(), "\r\033[Kone, which is long\r\033[Ktwo");
}

TEST_F(TerminalLineTest, EndDoesNothingIfNoLineIsDrawn) {
  TerminalLine line(file_, /*on_terminal=*/true);
  line.End();
  EXPECT_EQ(Written(), "");
  line.Show("one");
  line.End();
  line.End();
  EXPECT_EQ(Written(), "\r\033[Kone\n");
}

TEST_F(TerminalLineTest, AfterEndTheNextLineIsDrawnBelow) {
  TerminalLine line(file_, /*on_terminal=*/true);
  line.Show("one");
  line.End();
  line.Show("two");
  line.End();
  EXPECT_EQ(Written(), "\r\033[Kone\n\r\033[Ktwo\n");
}

TEST_F(TerminalLineTest, TheDestructorEndsADrawnLine) {
  std::optional<TerminalLine> line(std::in_place, file_, /*on_terminal=*/true);
  line->Show("one");
  line.reset();
  EXPECT_EQ(Written(), "\r\033[Kone\n");
}

TEST_F(TerminalLineTest, ElsewhereEveryTextIsANewLine) {
  {
    TerminalLine line(file_, /*on_terminal=*/false);
    line.Show("one");
    line.Show("two");
    line.End();
  }
  EXPECT_EQ(Written(), "one\ntwo\n");
}

}  // namespace
}  // namespace slimreel
