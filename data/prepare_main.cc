// //data:prepare: videos in, shards out. See data/pipeline/README.md.
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/command_line.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "data/pipeline/prepare.h"
#include "data/prepare_flags.h"

namespace {

std::string Counts(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", count, " ", name);
  }
  return text;
}

void Print(const slimreel::PrepareOptions& options, const slimreel::PrepareSummary& summary) {
  std::cout << "videos:  " << Counts(summary.videos) << "\n";
  if (!summary.reasons.empty()) std::cout << "reasons: " << Counts(summary.reasons) << "\n";
  std::cout << "samples: " << summary.samples << " with " << summary.frames << " frames, "
            << summary.classes.size() << " classes\n"
            << "shards:  " << summary.shards << " (" << slimreel::FormatBytes(summary.bytes)
            << ") in " << options.output << "\n"
            << "memory:  " << slimreel::FormatBytes(options.memory_bytes)
            << " for chunks; decoding threads: " << options.num_workers << "\n"
            << "report:  " << summary.report << "\n";
}

absl::Status Main(const slimreel::CommandLine& line) {
  SLIMREEL_ASSIGN_OR_RETURN(slimreel::PrepareOptions options,
                            slimreel::PrepareOptionsFromFlags(line.overrides));
  if (!line.positional.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument '", line.positional[0], "'; inputs go into --input"));
  }
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
  Print(options, *summary);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return slimreel::RunProgram(argc, argv, slimreel::PrepareProgram(), Main);
}
