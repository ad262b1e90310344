// //data:shards: lists, shows and verifies the shards of a folder. See data/shard/README.md.
#include <gflags/gflags.h>

#include <iostream>
#include <string>

#include "base/command_line.h"
#include "data/shard/shard_commands.h"

DEFINE_bool(json, false, "list, verify and index: print JSON (show always does)");
DEFINE_string(split, "", "list, show, verify: only this split; empty: all splits (show: train)");
DEFINE_int64(sample, 0, "show: number of the sample in its split, from 0");
DEFINE_string(format, "", "index: wids or dali (not yet available); empty: join the parts");

namespace {

slimreel::Program ShardsProgram() {
  slimreel::Program program;
  program.name = "shards";
  program.synopsis = "shards list|show|verify|index DIR [FLAGS]";
  program.description =
      "Lists, shows and verifies the shards that prepare wrote into a folder.\n\n"
      "list    prints splits, shards, samples, frames and classes\n"
      "show    prints the members and metadata of one sample\n"
      "verify  compares every member with its hash, and the splits with dataset.json; names\n"
      "        what is damaged, missing or replaced (exit 3), and splits that are not\n"
      "        completely prepared\n"
      "index   joins the parts of a divided preparation: dataset.json and the report";
  program.flags = {"split", "sample", "json", "format"};
  program.takes_positional = true;
  program.examples =
      "shards list shards\n"
      "shards show shards --split=val --sample=7\n"
      "shards verify shards --json";
  return program;
}

absl::Status Main(const slimreel::CommandLine& line) {
  if (line.positional.size() != 2) {
    return absl::InvalidArgumentError(
        "give a command and a folder: shards list|show|verify|index DIR; see --help");
  }
  slimreel::ShardCommand command;
  command.verb = line.positional[0];
  command.folder = line.positional[1];
  command.split = FLAGS_split;
  command.sample = FLAGS_sample;
  command.json = FLAGS_json;
  command.format = FLAGS_format;
  return slimreel::RunShardCommand(command, std::cout);
}

}  // namespace

int main(int argc, char** argv) { return slimreel::RunProgram(argc, argv, ShardsProgram(), Main); }
