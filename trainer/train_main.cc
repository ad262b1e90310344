// //trainer:train. See trainer/README.md.
#include "base/command_line.h"
#include "base/stop_signal.h"
#include "configs/schema.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/train_flags.h"

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();  // before any tensor exists
  slimreel::InstallStopExit();      // until training has a step to finish
  slimreel::Program program;
  program.name = "train";
  program.synopsis = "train --config=FILE [--run=DIR] [--resume=auto|none|PATH] [KEY=VALUE...]";
  program.description =
      "Trains a video model inside a memory budget. SIGTERM or Ctrl-C finishes the step, saves\n"
      "and exits with 75; the same command then goes on, bit for bit.";
  program.flags = {"config",
                   "run",
                   "resume",
                   "plan_only",
                   "device_profile",
                   "profile_step",
                   "allow_config_change"};
  program.examples = "train --config=configs/quickstart.yaml data.train=shards memory.budget=1GiB";
  program.takes_config = true;
  program.bare_keys = slimreel::BareConfigKeys();
  program.flag_aliases = slimreel::FlagAliases();
  program.config_help = slimreel::ConfigHelp;
  return slimreel::RunProgram(argc, argv, program, [](const slimreel::CommandLine& line) {
    return slimreel::RunTrainCommand(slimreel::TrainCommandFromFlags(), line.overrides);
  });
}
