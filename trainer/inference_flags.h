// The flags of evaluate and predict as one struct. inference_flags.cc is the only place that reads
// them.
#ifndef TRAINER_INFERENCE_FLAGS_H_
#define TRAINER_INFERENCE_FLAGS_H_

#include <string>
#include <vector>

namespace slimreel {

struct InferenceFlags {
  std::string run;                  // run folder
  std::string checkpoint = "best";  // best | latest | path
  bool json = false;
  std::vector<std::string> data;   // evaluate: shard folders; empty: the run's
  std::string split;               // evaluate: which of their shards; empty: test, or val if none
  std::vector<std::string> input;  // predict: files
};

InferenceFlags InferenceFromFlags();

}  // namespace slimreel

#endif  // TRAINER_INFERENCE_FLAGS_H_
