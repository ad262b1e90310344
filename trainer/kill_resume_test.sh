#!/bin/bash
# Kill -9 at ten random moments, run the same command again each time: the weights,
# the optimizer's state and the metrics are those of a run that was never killed.
#
#   kill_resume_test.sh TRAIN_BINARY   (the seed of the moments is printed; SEED=n repeats them)
set -u
train=$(realpath "$1")
work=${TEST_TMPDIR:-$(mktemp -d)}/kill_resume
rm -rf "$work" && mkdir -p "$work" && cd "$work" || exit 1
SEED=${SEED:-$$}
RANDOM=$SEED
echo "seed $SEED"

cat > config.yaml <<YAML
data:
  train: synthetic:26
  batch_size: 4
  img_size: 32
  num_frames: 8
model:
  name: r3d_nano
  num_classes: 4
train:
  accumulate_grad_batches: 2
  max_steps: 40
  max_epochs: 100
  schedule: cosine
  warmup_steps: 5
evaluation:
  strategy: "no"
checkpoint:
  every_steps: 3
trainer:
  log_every_steps: 1
YAML

fail() { echo "FAILED: $1"; exit 1; }

run() { "$train" --config config.yaml --run "$1" 2>> "$1.log"; }

run whole || fail "the undisturbed run: $(tail -3 whole.log)"

# Kills come by progress, not by the clock, so that a fast and a slow machine see
# the same number: after 0 to 4 further steps, and up to 0.3 s more.
steps_done() { grep -c '^step ' killed.log; }
touch killed.log
kills=0
for attempt in $(seq 200); do
  "$train" --config config.yaml --run killed 2>> killed.log &
  process=$!
  target=$(($(steps_done) + RANDOM % 5))
  while [ $kills -lt 10 ] && kill -0 $process 2> /dev/null; do
    if [ "$(steps_done)" -ge $target ]; then
      sleep 0.$(printf %03d $((RANDOM % 300)))
      kill -KILL $process 2> /dev/null
      break
    fi
    sleep 0.02
  done
  wait $process 2> /dev/null
  status=$?
  case $status in
    137) kills=$((kills + 1)) ;;
    0) break ;;
    *) fail "attempt $attempt ended with $status: $(tail -3 killed.log)" ;;
  esac
done
echo "$kills kills"
[ $kills -ge 5 ] || fail "only $kills kills; the test tests nothing"

for file in model.safetensors optimizer.safetensors; do
  cmp "whole/checkpoints/latest/$file" "killed/checkpoints/latest/$file" || fail "$file differs"
done
python3 - whole/metrics.jsonl killed/metrics.jsonl <<'PY' || fail "metrics.jsonl differs"
import json, sys
def steps(path):
    return [(line["step"], line["loss"], line["lr"]) for line in map(json.loads, open(path))]
whole, killed = map(steps, sys.argv[1:])
assert [s for s, _, _ in whole] == list(range(1, 41)), [s for s, _, _ in whole]
assert whole == killed
PY
echo "PASSED: bitwise equal after $kills kills"
