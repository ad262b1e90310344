// What `//data:shards` does: list, show, verify, index.
//
// Who calls it: data/shards_main.cc, tests.
#ifndef DATA_SHARD_SHARD_COMMANDS_H_
#define DATA_SHARD_SHARD_COMMANDS_H_

#include <cstdint>
#include <ostream>
#include <string>

namespace slimreel {

struct ShardCommand {
  std::string verb;    // list, show, verify, index
  std::string folder;  // of shards
  std::string split;   // empty: all (show: train, or the only one)
  int64_t sample = 0;  // show
  bool json = false;
  std::string format;  // index
};

// Results to `out`, errors to `err`. Exit code: 0; 2 usage; 3 no shards or damaged ones.
int RunShardCommand(const ShardCommand& command, std::ostream& out, std::ostream& err);

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_COMMANDS_H_
