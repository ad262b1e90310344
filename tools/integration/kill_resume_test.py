"""Promise 4: after kill -9 at random moments, the resumed run equals the run that was never killed.

    kill_resume_test.py [--kills N] [--seed S]

The test compares weights and optimizer state byte by byte, and the metrics of every step and evaluation.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

import binaries
from binaries import must, scratch

STEPS = 40
KILLS = 3
SEED = 7
TENSORS = ("model.safetensors", "optimizer.safetensors")


class KillResumeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=4)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)

    def arguments(self, name):
        return [f"--config={self.config}", f"--run={self.folder / name}", f"data.train={self.shards}",
                f"data.val={self.val}", f"train.max_steps={STEPS}", "train.max_epochs=100",
                "train.schedule=cosine", "train.warmup_steps=5", "model.dropout=0.1",
                "evaluation.strategy=steps", "evaluation.every_steps=7", "checkpoint.every_steps=3"]

    def lines_of(self, name):
        metrics = self.folder / name / "metrics.jsonl"
        return metrics.read_text().count("\n") if metrics.exists() else 0

    def train_until_killed(self, name, lines, seconds):
        """True if the kill came before the end of the run."""
        process = subprocess.Popen([binaries.binary("//trainer:train"), *self.arguments(name)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Waits for progress first and then for a time. So the kill hits fast and slow machines alike.
        while process.poll() is None and self.lines_of(name) < lines:
            time.sleep(0.005)
        time.sleep(seconds)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        return process.returncode == -signal.SIGKILL

    def metrics(self, name):
        """Lines of metrics.jsonl without the values that depend on the clock."""
        lines = [json.loads(line) for line in (self.folder / name / "metrics.jsonl").read_text().splitlines()]
        timed = ("step_ms", "samples_per_second", "val_seconds")
        return [{key: value for key, value in line.items() if key not in timed} for line in lines]

    def test_a_killed_and_resumed_run_equals_the_whole_run(self):
        print(f"{KILLS} kills, seed {SEED}", flush=True)
        must("//trainer:train", *self.arguments("whole"))
        rng = random.Random(SEED)
        kills = 0
        for _ in range(20 * KILLS):
            if kills == KILLS:
                break
            lines = min(self.lines_of("killed") + rng.randrange(6), STEPS)
            if self.train_until_killed("killed", lines, rng.uniform(0.0, 0.3)):
                kills += 1
            elif self.lines_of("killed") >= STEPS:
                shutil.rmtree(self.folder / "killed")  # the run ended before the kill, so start again
        self.assertEqual(kills, KILLS)
        must("//trainer:train", *self.arguments("killed"))

        for name in TENSORS:
            whole, killed = ((self.folder / run / "checkpoints" / "latest" / name).read_bytes()
                             for run in ("whole", "killed"))
            self.assertEqual(whole, killed, name)
        self.assertEqual(self.metrics("killed"), self.metrics("whole"))
        steps = [line["step"] for line in self.metrics("killed") if "lr" in line]
        self.assertEqual(steps, list(range(1, STEPS + 1)), "each step once")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    known, rest = parser.parse_known_args()
    KILLS, SEED = known.kills, known.seed
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main(argv=[sys.argv[0], *rest])
