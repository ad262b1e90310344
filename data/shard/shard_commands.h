// The commands of `//data:shards`: list, show, verify, index.
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
  std::string split;   // empty: all splits (show: train, or the only split)
  int64_t sample = 0;  // show: number of the sample in its split
  bool json = false;
  std::string format;  // index: empty joins the parts of a divided preparation
};

// Writes results to `out`. InvalidArgument, NotFound, Unimplemented: a mistake in the command.
// DataLoss from `verify`: its message lists all damaged shards and all splits that differ from
// dataset.json. Exit code 3 from another command: a split cannot be read. Other errors come from
// the machine.
absl::Status RunShardCommand(const ShardCommand& command, std::ostream& out);

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_COMMANDS_H_
