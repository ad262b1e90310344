#!/usr/bin/env bash
# Runs the benchmarks against their peers and prints one table.
#
#   tools/bench.sh [--json]      ratios are medians over interleaved pairs
#
# The peer of the train step is PyTorch eager: the torch of python3, or the one in
# .libtorch/, whose Python packages come from .venv_parity/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  "" | --json) ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "bench.sh: unknown argument $1; known: --json, --help" >&2; exit 2 ;;
esac

if [[ -z "${SLIMREEL_MEDIA:-}" && -d ../shared/media ]]; then
  SLIMREEL_MEDIA="$(cd ../shared/media && pwd)"
fi
export SLIMREEL_MEDIA="${SLIMREEL_MEDIA:-}"

bazel build //data/decode:decode_benchmark //data/shard:shard_benchmark \
  //data/pipeline:reading_benchmark //memory/tracking:allocator_benchmark //trainer/benchmark:all >&2

source tools/eager_python.sh
echo "machine: $(nproc) cores, $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), $(date +%F)"
bazel-bin/data/decode/decode_benchmark "$@"
bazel-bin/data/shard/shard_benchmark "$@"
bazel-bin/data/pipeline/reading_benchmark "$@"
bazel-bin/memory/tracking/allocator_benchmark "$@"
"${python}" trainer/benchmark/train_step_benchmark.py "$@"
"${python}" trainer/benchmark/start_benchmark.py "$@"
"${python}" trainer/benchmark/busy_benchmark.py "$@"
bazel-bin/trainer/benchmark/stages_benchmark "$@"
