// //data:prepare: videos in, shards out. See data/pipeline/README.md.
#include <iostream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/command_line.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "data/pipeline/prepare.h"
#include "data/prepare_flags.h"
#include "data/prepare_summary.h"

namespace {

absl::Status Main(const slimreel::CommandLine& line) {
  SLIMREEL_ASSIGN_OR_RETURN(slimreel::PrepareOptions options,
                            slimreel::PrepareOptionsFromFlags(line.overrides));
  slimreel::InstallStopSignal();
  options.interrupted = slimreel::StopRequested;
  std::optional<slimreel::Progress> progress;
  options.on_progress = [&progress](const slimreel::PrepareProgress& now) {
    if (!progress) {
      slimreel::ProgressOptions shown;
      shown.label = "prepare";
      shown.unit = "videos";
      shown.total = now.inputs;
      progress.emplace(shown, now.inputs_done);
    }
    progress->Update(now.inputs_done, absl::StrCat(now.frames, " frames"));
  };
  const auto summary = slimreel::Prepare(options);
  progress.reset();
  SLIMREEL_RETURN_IF_ERROR(summary.status());
  for (const std::string& warning : summary->warnings) std::cerr << "note: " << warning << "\n";
  std::cout << slimreel::SummaryText(options, *summary);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return slimreel::RunProgram(argc, argv, slimreel::PrepareProgram(), Main);
}
