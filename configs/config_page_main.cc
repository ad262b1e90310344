// Prints docs/config.md.
#include <cstdio>

#include "configs/config_markdown.h"

int main() {
  std::fputs(slimreel::ConfigMarkdown().c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}
