#include "trainer/setup/inference_config.h"

namespace slimreel {

Config InferenceConfig(const Config& run, const Config& learnt) {
  Config config = run;
  config.task = learnt.task;
  config.model = learnt.model;
  config.trainer.precision = learnt.trainer.precision;
  config.data = learnt.data;
  config.data.train = run.data.train;
  config.data.val = run.data.val;
  config.data.test = run.data.test;
  // Resolved here, because the default is the run's data.batch_size, not the checkpoint's.
  config.data.eval_batch_size = run.data.ResolvedEvalBatchSize();
  return config;
}

}  // namespace slimreel
