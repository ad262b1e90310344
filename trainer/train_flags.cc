#include "trainer/train_flags.h"

#include <gflags/gflags.h>

DEFINE_string(config, "", "YAML file of the experiment (configs/ has ready ones)");
DEFINE_string(run, "", "run folder; default: runs/<name of the configuration>");
DEFINE_string(resume, "", "auto (default: go on where the run folder stopped) | none | path");
DEFINE_bool(plan_only, false,
            "print the plan, its predicted memory and time, and alternatives; write RUN/plan.json; "
            "train nothing");
DEFINE_string(device_profile, "",
              "with --plan_only: plan for a card that is not there, by its name in "
              "configs/devices.yaml (gtx1650_4gb, t4_16gb, a100_80gb, ...); needs no weights");
DEFINE_int64(profile_step, 0, "record each allocation of this optimizer step: RUN/step_trace.json");
DEFINE_bool(allow_config_change, false, "resume although the new values change what is learnt");

namespace slimreel {

TrainCommand TrainCommandFromFlags() {
  TrainCommand command;
  command.config = FLAGS_config;
  command.run = FLAGS_run;
  command.resume = FLAGS_resume;
  if (FLAGS_profile_step != 0) command.profile_step = FLAGS_profile_step;
  command.plan_only = FLAGS_plan_only;
  command.device_profile = FLAGS_device_profile;
  command.allow_config_change = FLAGS_allow_config_change;
  return command;
}

}  // namespace slimreel
