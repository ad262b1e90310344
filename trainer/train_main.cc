// //trainer:train. See trainer/README.md.
#include <gflags/gflags.h>

#include "base/command_line.h"
#include "base/stop_signal.h"
#include "configs/schema.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/setup/train_command.h"

DEFINE_string(config, "", "YAML file of the experiment (configs/ has ready ones)");
DEFINE_string(run, "", "run folder; default: runs/<name of the configuration>");
DEFINE_string(resume, "", "auto (default: go on where the run folder stopped) | none | path");
DEFINE_bool(plan_only, false, "print what would fit, without training");
DEFINE_bool(allow_config_change, false, "resume although the new values change what is learnt");

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();  // before any tensor exists
  slimreel::InstallStopSignal();
  slimreel::Program program;
  program.name = "train";
  program.synopsis = "train --config=FILE [--run=DIR] [--resume=auto|none|PATH] [KEY=VALUE...]";
  program.description =
      "Trains a video model inside a memory budget. SIGTERM or Ctrl-C finishes the step, saves\n"
      "and exits with 75; the same command then goes on, bit for bit.";
  program.flags = {"config", "run", "resume", "plan_only", "allow_config_change"};
  program.examples = "train --config=configs/quickstart.yaml data.train=shards memory.budget=1GiB";
  program.takes_config = true;
  program.bare_keys = slimreel::BareConfigKeys();
  program.flag_aliases = slimreel::FlagAliases();
  program.config_help = slimreel::ConfigHelp;
  return slimreel::RunProgram(argc, argv, program, [](const slimreel::CommandLine& line) {
    slimreel::TrainCommand command;
    command.config = FLAGS_config;
    command.run = FLAGS_run;
    command.resume = FLAGS_resume;
    command.plan_only = FLAGS_plan_only;
    command.allow_config_change = FLAGS_allow_config_change;
    return slimreel::RunTrainCommand(command, line.overrides);
  });
}
