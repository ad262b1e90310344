#!/usr/bin/env bash
# Does SlimReel's main job on a fresh machine: makes labelled clips, prepares shards,
# trains inside a memory budget, evaluates on held-out clips, and predicts one clip.
# Installs what it needs. Safe to repeat: it skips the parts that are done.
#
#   tools/quickstart.sh [DIR]     writes everything below DIR (default: demo/)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "quickstart.sh: unknown argument $1; known: --help, a folder" >&2; exit 2 ;;
esac
if [[ $# -gt 1 ]]; then
  echo "quickstart.sh: unexpected argument $2; give at most one folder" >&2
  exit 2
fi
dir="${1:-demo}"

step() { printf '\n== %s\n' "$*" >&2; }

step "1/7 Set-up"
tools/setup.sh
step "2/7 Build"
bazel build //data:make_demo //data:prepare //trainer:train //trainer:evaluate //trainer:predict
started=${SECONDS}

config=configs/quickstart.yaml
step "3/7 Clips of moving shapes, H.264: ${dir}/clips"
bazel-bin/data/make_demo --output="${dir}/clips/train" --clips_per_class=200 --seed=1
bazel-bin/data/make_demo --output="${dir}/clips/val" --clips_per_class=40 --seed=2
step "4/7 Decode once into shards: ${dir}/shards"
bazel-bin/data/prepare --config="${config}" --input="${dir}/clips/train" --output="${dir}/shards" --split=train
bazel-bin/data/prepare --config="${config}" --input="${dir}/clips/val" --output="${dir}/shards" --split=val
step "5/7 Train inside a budget: ${dir}/run"
bazel-bin/trainer/train --config="${config}" --run="${dir}/run" \
  data.train="${dir}/shards" data.val="${dir}/shards"
step "6/7 Evaluate on the held-out clips"
bazel-bin/trainer/evaluate --run="${dir}/run" --data="${dir}/shards" --json > "${dir}/evaluation.json"
clip="$(find "${dir}/clips/val" -name '*.mp4' | sort | head -1)"
step "7/7 Predict ${clip}"
bazel-bin/trainer/predict --run="${dir}/run" --input="${clip}"

python3 tools/quickstart_summary.py "${dir}" "$((SECONDS - started))"
