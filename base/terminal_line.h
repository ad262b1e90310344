// A line that is redrawn in place on a terminal. Elsewhere every text is a new line.
//
// Threading: one thread at a time.
#ifndef BASE_TERMINAL_LINE_H_
#define BASE_TERMINAL_LINE_H_

#include <cstdio>
#include <string>

namespace slimreel {

// Asks the system whether standard error is a terminal.
bool StandardErrorIsTerminal();

class TerminalLine {
 public:
  // `out` is not owned.
  TerminalLine(FILE* out, bool on_terminal) : out_(out), on_terminal_(on_terminal) {}
  TerminalLine() : TerminalLine(stderr, StandardErrorIsTerminal()) {}
  ~TerminalLine() { End(); }
  TerminalLine(const TerminalLine&) = delete;
  TerminalLine& operator=(const TerminalLine&) = delete;

  bool on_terminal() const { return on_terminal_; }
  void Show(const std::string& line);
  void End();  // keeps the drawn line and moves the cursor below it

 private:
  FILE* const out_;
  const bool on_terminal_;
  bool open_ = false;  // the cursor is at the end of a drawn line
};

}  // namespace slimreel

#endif  // BASE_TERMINAL_LINE_H_
