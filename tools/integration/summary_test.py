"""summary.json describes the whole run, over all of its processes."""

import json
import signal
import subprocess
import unittest

import binaries
from binaries import must, scratch


class SummaryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=2)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)

    def arguments(self, name, *overrides):
        return [f"--config={self.config}", f"--run={self.folder / name}", f"data.train={self.shards}",
                f"data.val={self.val}", "train.max_epochs=100", "evaluation.strategy=steps",
                "evaluation.every_steps=100", *overrides]

    def summary(self, name):
        summary = json.loads((self.folder / name / "summary.json").read_text())
        peaks = summary["peak_bytes"]
        self.assertGreaterEqual(peaks["reserved"], peaks["device"])
        return summary

    def train(self, name, *overrides):
        must("//trainer:train", *self.arguments(name, *overrides))
        return self.summary(name)

    def retried(self, name):
        """Does four steps, one of them with a retry. Returns (the budget's override, the summary)."""
        keep = ("memory.schedule=keep", "trainer.log_every_steps=1")
        peak = self.train(f"{name}_keep", "train.max_steps=1", *keep)["phases"]["train"]["peak_bytes"]
        budget = f"memory.budget={peak}"
        self.train(name, "train.max_steps=1", budget, *keep)
        # The plan stays, but losses that wait for the next report now take bytes that it lacks.
        summary = self.train(name, "train.max_steps=4", budget, "memory.schedule=keep",
                             "trainer.log_every_steps=100")
        self.assertGreater(summary["oom_retries"], 0)
        return budget, summary

    def test_a_process_that_does_one_more_step_keeps_the_earlier_results(self):
        budget, first = self.retried("extended")
        # The second process does not evaluate, so the first one's evaluation stays.
        second = self.train("extended", "train.max_steps=5", budget, "evaluation.strategy=no")
        self.assertEqual(second["steps"], 5)
        self.assertEqual(second["metrics"], first["metrics"])
        self.assertIn("top1", second["metrics"])
        self.assertEqual(second["oom_retries"], first["oom_retries"])
        for kind, peak in first["peak_bytes"].items():
            self.assertGreaterEqual(second["peak_bytes"][kind], peak, kind)
        lines = [json.loads(line) for line in
                 (self.folder / "extended" / "metrics.jsonl").read_text().splitlines()]
        times = sorted(line["step_ms"] for line in lines if "step_ms" in line)
        self.assertEqual(len(times), 5)
        self.assertEqual(second["step_ms"], times[2], "the median of all steps of the run")

    def test_a_process_that_is_stopped_at_once_keeps_the_earlier_results(self):
        budget, first = self.retried("stopped")
        process = subprocess.Popen(
            [binaries.binary("//trainer:train"), *self.arguments("stopped", "train.max_steps=60", budget)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if " steps of " in line:  # now there is something to save
                break
        process.send_signal(signal.SIGTERM)
        process.communicate()
        self.assertEqual(process.returncode, 75)
        second = self.summary("stopped")
        self.assertFalse(second["finished"])
        self.assertEqual(second["metrics"], first["metrics"])
        self.assertEqual(second["oom_retries"], first["oom_retries"])
        self.assertGreater(second["step_ms"], 0)
        self.assertGreater(second["samples_per_second"], 0)
        self.assertGreaterEqual(second["peak_bytes"]["device"], first["peak_bytes"]["device"])


if __name__ == "__main__":
    unittest.main()
