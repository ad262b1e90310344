"""Promise 1 and 4 on whole processes: the plan, the workers, a kill never change what is learnt.

Weights are compared byte by byte (model.safetensors after 20 steps). With
`--kills N` the run is killed N times at moments drawn from a fixed seed.
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

STEPS = 20
KILLS = 3


class SameWeightsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=4)
        cls.reference = cls.weights(cls.train("reference"))

    @classmethod
    def arguments(cls, name, *overrides):
        return [f"--config={cls.config}", f"--run={cls.folder / name}", f"data.train={cls.shards}",
                f"train.max_steps={STEPS}", "train.max_epochs=100", "evaluation.strategy=no",
                "checkpoint.every_steps=3", *overrides]

    @classmethod
    def train(cls, name, *overrides):
        must("//trainer:train", *cls.arguments(name, *overrides))
        return cls.folder / name

    @staticmethod
    def weights(run):
        return (run / "checkpoints" / f"step_{STEPS:08d}" / "model.safetensors").read_bytes()

    @staticmethod
    def lines_of(run):
        metrics = run / "metrics.jsonl"
        return metrics.read_text().count("\n") if metrics.exists() else 0

    def test_a_second_run_gives_the_same_bytes(self):
        self.assertEqual(self.weights(self.train("again")), self.reference)

    def test_workers_do_not_matter(self):
        for workers in (0, 2, 4):
            run = self.train(f"workers{workers}", f"dataloader.num_workers={workers}")
            self.assertEqual(self.weights(run), self.reference, workers)

    def test_schedules_do_not_matter(self):
        for words in ("keep", "checkpoint", "every:2"):
            run = self.train("schedule_" + words.replace(":", "_"), f"memory.schedule={words}")
            self.assertEqual(self.weights(run), self.reference, words)

    def test_retries_at_an_unchanged_split_do_not_matter(self):
        kept = json.loads((self.folder / "reference" / "summary.json").read_text())
        lean = json.loads((self.train("all_checkpointed", "memory.schedule=checkpoint")
                           / "summary.json").read_text())
        low, high = lean["peak_bytes"]["device"], kept["peak_bytes"]["device"]
        self.assertLess(low, high)
        run = self.train("retried", f"memory.budget={(low + high) // 2}")
        summary = json.loads((run / "summary.json").read_text())
        self.assertGreater(summary["oom_retries"], 0)
        self.assertEqual(summary["micro_batch_size"], kept["micro_batch_size"])
        self.assertLessEqual(summary["peak_bytes"]["device"], summary["budget_bytes"])
        self.assertEqual(self.weights(run), self.reference)

    def test_kill_at_any_moment_and_resume(self):
        rng = random.Random(7)
        run = self.folder / "killed"
        kills = 0
        for _ in range(20 * KILLS):
            if kills == KILLS:
                break
            process = subprocess.Popen(
                [binaries.binary("//trainer:train"), *self.arguments("killed")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # By progress, not by the clock: a fast and a slow machine are killed alike.
            target = self.lines_of(run) + rng.randrange(6)
            while process.poll() is None and self.lines_of(run) < target:
                time.sleep(0.005)
            time.sleep(rng.uniform(0.0, 0.05))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
                process.wait()
            else:
                shutil.rmtree(run)  # it came through before the kill: from the start again
        self.train("killed")
        self.assertEqual(kills, KILLS)
        self.assertEqual(self.weights(run), self.reference)
        lines = (run / "metrics.jsonl").read_text().splitlines()
        steps = [row["step"] for row in map(json.loads, lines) if "loss" in row and "lr" in row]
        self.assertEqual(sorted(set(steps)), steps, "each step once")

    def test_a_signal_saves_and_exits_75(self):
        process = subprocess.Popen(
            [binaries.binary("//trainer:train"), *self.arguments("stopped")],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "step" in line and "loss" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        self.assertIn(process.wait(), (75, 0))
        self.assertEqual(self.weights(self.train("stopped")), self.reference)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    known, rest = parser.parse_known_args()
    KILLS = known.kills
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main(argv=[sys.argv[0], *rest])
