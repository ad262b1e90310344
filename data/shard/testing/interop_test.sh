#!/bin/bash
# Reads shards with tar, numpy and webdataset, which know nothing about SlimReel.
# SLIMREEL_PARITY_PYTHON names a Python with these packages (tools/parity/setup.sh makes one).
set -euo pipefail
writer=$PWD/$1
check=$PWD/$2
folder=$(mktemp -d "${TEST_TMPDIR:-/tmp}/interop.XXXXXX")
"$writer" "$folder"

names=$(for shard in "$folder"/*.tar; do tar tf "$shard"; done)
[ "$(grep -c '\.frames\.npy$' <<<"$names")" = 7 ] || { echo "tar tf lists: $names"; exit 1; }
[ "$(grep -c '\.json$' <<<"$names")" = 7 ]
[ "$(grep -c '\.kpts\.npy$' <<<"$names")" = 4 ]
echo "tar: passed"

python=${SLIMREEL_PARITY_PYTHON:-python3}
"$python" "$check" "$folder"
