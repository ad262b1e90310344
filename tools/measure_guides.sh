#!/usr/bin/env bash
# Measures the figures of docs/memory_guide.md, docs/memory_quick_ref.md, docs/oom_troubleshooting.md,
# their Chinese forms, docs/claims.md, and the heads of the ready configurations with budgets, and
# writes the tables anew.
#
#   tools/measure_guides.sh                 everything; takes hours on two cores
#   tools/measure_guides.sh SECTION ...     only these sections of tools/guides/figures.json
#   tools/measure_guides.sh --pages         measures nothing, only writes the tables
#   tools/measure_guides.sh --check         exit status 1: a page does not hold the stored figures
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
  --pages) exec python3 tools/guides/pages.py ;;
  --check) exec python3 tools/guides/pages.py --check ;;
  -*) echo "measure_guides.sh: unknown argument $1; known: --pages, --check, --help" >&2; exit 2 ;;
esac

bazel build //trainer:train //trainer/benchmark:prediction //trainer/benchmark:step_server >&2
python3 tools/guides/measure.py "$@"
python3 tools/guides/pages.py
