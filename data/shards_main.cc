// //data:shards: looks into a folder of shards. See data/shard/README.md.
#include <gflags/gflags.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "data/shard/shard_commands.h"

DEFINE_bool(json, false, "list, show and verify: print JSON");
DEFINE_string(split, "", "only this split; the default is all of them (show: train)");
DEFINE_int64(sample, 0, "show: number of the sample in its split");
DEFINE_string(format, "", "index: wids or dali");

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "list|show|verify|index DIR\n"
      "  list    splits, shards, samples, frames, classes\n"
      "  show    --sample=N: one sample's members and metadata\n"
      "  verify  compare every member with its hash; exit 3 names what is damaged\n"
      "  index   --format=wids|dali: not yet available");
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  // Under `bazel run`, relative paths mean where the user stands.
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY")) {
    if (chdir(folder) != 0) std::cerr << "cannot go to " << folder << "\n";
  }
  if (argc != 3) {
    std::cerr << "usage: shards list|show|verify|index DIR (--help says more)\n";
    return 2;
  }
  slimreel::ShardCommand command;
  command.verb = argv[1];
  command.folder = argv[2];
  command.split = FLAGS_split;
  command.sample = FLAGS_sample;
  command.json = FLAGS_json;
  command.format = FLAGS_format;
  return slimreel::RunShardCommand(command, std::cout, std::cerr);
}
