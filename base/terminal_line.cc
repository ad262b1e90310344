#include "base/terminal_line.h"

#include <unistd.h>

namespace slimreel {

bool StandardErrorIsTerminal() { return isatty(STDERR_FILENO) == 1; }

void TerminalLine::Show(const std::string& line) {
  fprintf(out_, on_terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
  open_ = on_terminal_;
  fflush(out_);
}

void TerminalLine::End() {
  if (open_) fputc('\n', out_);
  open_ = false;
}

}  // namespace slimreel
