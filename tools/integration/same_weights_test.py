"""Promise 1 on whole processes: the plan, the workers and a stop never change the weights.

The test compares model.safetensors after 20 steps byte by byte.
"""

import json
import os
import signal
import subprocess
import unittest

import binaries
from binaries import must, scratch

STEPS = 20


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

    def test_a_tighter_plan_at_an_unchanged_split_does_not_matter(self):
        kept = json.loads((self.folder / "reference" / "summary.json").read_text())
        lean = json.loads((self.train("all_checkpointed", "memory.schedule=checkpoint")
                           / "summary.json").read_text())
        low, high = lean["peak_bytes"]["device"], kept["peak_bytes"]["device"]
        self.assertLess(low, high)
        run = self.train("tighter", f"memory.budget={(low + high) // 2}",
                         "memory.allow=[checkpointing, lean]")
        summary = json.loads((run / "summary.json").read_text())
        self.assertNotEqual(summary["schedule"], "keep")
        self.assertEqual(summary["micro_batch_size"], kept["micro_batch_size"])
        self.assertLessEqual(summary["peak_bytes"]["device"], summary["budget_bytes"])
        self.assertEqual(self.weights(run), self.reference)

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
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
