// Writes 7 test samples into a given folder, for the interoperability test.
#include <cstdio>

#include "data/shard/testing/sample_shards.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const absl::Status status = slimreel::WriteTestShards(argv[1], 7, 8192);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
