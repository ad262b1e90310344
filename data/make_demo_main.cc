// //data:make_demo: labelled clips with known motions. See data/demo/README.md.
#include <iostream>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/command_line.h"
#include "base/status_macros.h"
#include "data/demo/demo_set.h"
#include "data/make_demo_flags.h"

namespace {

absl::Status Main(const slimreel::CommandLine&) {
  SLIMREEL_ASSIGN_OR_RETURN(const slimreel::DemoSetOptions options,
                            slimreel::DemoSetOptionsFromFlags());
  SLIMREEL_ASSIGN_OR_RETURN(const slimreel::DemoSetSummary summary,
                            slimreel::WriteDemoSet(options));
  std::cout << summary.clips << " clips of " << summary.classes << " classes ("
            << slimreel::FormatBytes(summary.bytes) << ") in " << options.output << "\n";
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return slimreel::RunProgram(argc, argv, slimreel::MakeDemoProgram(), Main);
}
