#!/usr/bin/env bash
# Prints a table of the published models: parameters, FLOPs, activation bytes per sample
# (plain, lean and checkpointed), and step time relative to PyTorch eager.
#
#   tools/model_table.sh [--json] [--pairs N] [--model NAME ...]
#
# PyTorch eager is the torch of python3, or the one in .libtorch/, whose Python
# packages come from .venv_parity/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

bazel build //models:model //trainer/benchmark:step_server >&2
source tools/eager_python.sh
echo "machine: $(nproc) cores, $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), $(date +%F)" >&2
"${python}" trainer/benchmark/model_table.py "$@"
