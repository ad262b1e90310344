"""A stop signal ends a running evaluation or prediction, and what was learnt is saved."""

import json
import os
import signal
import subprocess
import time
import unittest

import binaries
from binaries import must, scratch

LONG = 1_000_000  # clips: too many for any machine to finish evaluating before the signal


class EvaluationStopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config = cls.folder / "tiny.yaml"
        cls.config.write_text(binaries.TINY_CONFIG)

    def arguments(self, name, *overrides):
        return [f"--config={self.config}", f"--run={self.folder / name}", "data.train=synthetic:32",
                "model.num_classes=4", "train.max_steps=3", "train.max_epochs=2",
                "evaluation.strategy=steps", "evaluation.every_steps=1", "data.eval_batch_size=64",
                *overrides]

    def stop_at(self, words, label, *arguments):
        """Stops the program by a signal once it prints `words` on stderr. Returns (exit code, later stderr)."""
        process = subprocess.Popen([binaries.binary(label), *map(str, arguments)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if words in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=binaries.TIMEOUT_SECONDS)[1]
        return process.returncode, rest

    def stop_in_evaluation(self, name, step, *arguments):
        """Stops a training run once it has reported `step`, after which it evaluates for ever."""
        process = subprocess.Popen([binaries.binary("//trainer:train"), *map(str, arguments)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        metrics = self.folder / name / "metrics.jsonl"
        while process.poll() is None:
            if metrics.exists() and f'"step":{step},' in metrics.read_text().replace(" ", ""):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=binaries.TIMEOUT_SECONDS)[1]
        return process.returncode, rest

    def lines(self, name):
        return [json.loads(line) for line in
                (self.folder / name / "metrics.jsonl").read_text().splitlines()]

    def test_training_saves_the_step_and_the_next_process_evaluates_it_first(self):
        must("//trainer:train", *self.arguments("measured", "data.val=synthetic:4", "train.max_steps=1"))
        peak = json.loads((self.folder / "measured/summary.json").read_text())["peak_bytes"]["device"]
        # Under this budget the evaluation takes fewer clips at once than it is asked to.
        budget = f"memory.budget={peak + (1 << 20)}"
        code, rest = self.stop_in_evaluation("stopped", 1, *self.arguments(
            "stopped", f"data.val=synthetic:{LONG}", budget))
        self.assertEqual(code, 75, rest[-2000:])
        state = json.loads((self.folder / "stopped/checkpoints/latest/state.json").read_text())
        self.assertEqual((state["step"], state["evaluated_step"]), (1, -1))
        self.assertFalse([line for line in self.lines("stopped") if "val_top1" in line])
        must("//trainer:train", *self.arguments("stopped", "data.val=synthetic:4", budget))
        order = [(line["step"], "val_top1" in line) for line in self.lines("stopped")]
        self.assertEqual(order, [(1, False), (1, True), (2, False), (2, True), (3, False), (3, True)])

    def test_a_stop_in_the_last_evaluation_leaves_the_run_unfinished(self):
        must("//trainer:train", *self.arguments("base", "data.val=synthetic:4", "train.max_steps=1"))
        peak = json.loads((self.folder / "base/summary.json").read_text())["peak_bytes"]["device"]
        last = ("evaluation.strategy=epoch", "evaluation.every_steps=none", "train.max_steps=2")
        budget = f"memory.budget={peak + (1 << 20)}"
        code, rest = self.stop_in_evaluation("last", 2, *self.arguments(
            "last", *last, f"data.val=synthetic:{LONG}", budget))
        self.assertEqual(code, 75, rest[-2000:])
        state = json.loads((self.folder / "last/checkpoints/latest/state.json").read_text())
        self.assertEqual((state["step"], state["finished"]), (2, False))
        done = must("//trainer:train", *self.arguments("last", *last, "data.val=synthetic:4", budget))
        self.assertIn("steps: 2 of 2", done.stdout)
        self.assertEqual(self.lines("last")[-1]["step"], 2)
        self.assertIn("val_top1", self.lines("last")[-1])

    def test_evaluate_ends_at_once(self):
        must("//trainer:train", *self.arguments("evaluated", "train.max_steps=1", "evaluation.strategy=no"))
        config = self.folder / "evaluated" / "config.yaml"
        config.write_text(config.read_text().replace("  test: none\n", f"  test: [synthetic:{LONG}]\n"))
        code, rest = self.stop_at("loading test:", "//trainer:evaluate",
                                  f"--run={self.folder / 'evaluated'}")
        self.assertEqual(code, 75, rest[-2000:])
        self.assertIn("stopped by a signal", rest)

    def test_predict_finishes_its_line_and_reports_its_progress(self):
        config, clips, shards = binaries.tiny_set(self.folder, clips_per_class=1)
        must("//trainer:train", f"--config={config}", f"--run={self.folder / 'labels'}",
             f"data.train={shards}", "train.max_steps=1", "evaluation.strategy=no")
        clip = next((clips / "left").iterdir())
        process = subprocess.Popen(
            [binaries.binary("//trainer:predict"), f"--run={self.folder / 'labels'}", "--json",
             *[str(clip)] * 3000], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=binaries.TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, 75, errors[-2000:])
        done = [json.loads(line) for line in (first + rest).splitlines()]
        self.assertTrue(all(line["status"] == "ok" for line in done))
        self.assertIn(f"stopped by a signal; {len(done)} of 3000 files", errors)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
