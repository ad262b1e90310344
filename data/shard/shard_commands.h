// What `//data:shards` does: list, show, verify, index.
//
// Who calls it: data/shards_main.cc, tests.
#ifndef DATA_SHARD_SHARD_COMMANDS_H_
#define DATA_SHARD_SHARD_COMMANDS_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace slimreel {

struct ShardCommand {
  std::string verb;    // list, show, verify, index
  std::string folder;  // of shards
  std::string split;   // empty: all (show: train, or the only one)
  int64_t sample = 0;  // show
  bool json = false;
  std::string format;  // index; empty: join the parts of a divided preparation
};

// Results to `out`. InvalidArgument, NotFound, Unimplemented: usage; DataLoss of `verify`:
// damaged shards, and splits that are not what dataset.json says, all of them in the message;
// exit code 3 of the others: a split that cannot be read; else the machine.
absl::Status RunShardCommand(const ShardCommand& command, std::ostream& out);

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_COMMANDS_H_
