"""A run's memory.budget also bounds evaluate and predict: first smaller batches, then a clear error."""

import json
import os
import re
import unittest

import binaries
from binaries import must, run, scratch

KIB = 1024


class InferenceBudgetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        config, clips, shards = binaries.tiny_set(cls.folder)
        cls.val = binaries.held_out_shards(cls.folder, config)
        cls.clip = sorted(clips.rglob("*.mp4"))[0]
        cls.run_folder = cls.folder / "run"
        must("//trainer:train", f"--config={config}", f"--run={cls.run_folder}",
             f"data.train={shards}", "data.eval_batch_size=16", "train.max_steps=1",
             "evaluation.strategy=no")
        cls.unbounded = (cls.run_folder / "config.yaml").read_text()
        assert "  budget: none\n" in cls.unbounded

    def under(self, budget, label, *arguments):
        """Runs the program with this budget in the run's configuration. None: no budget."""
        text = self.unbounded
        if budget is not None:
            text = text.replace("  budget: none\n", f"  budget: {budget}\n", 1)
        (self.run_folder / "config.yaml").write_text(text)
        return run(label, f"--run={self.run_folder}", "--json", *arguments)

    def down_to_nothing(self, label, *arguments):
        """Lowers the budget until the program exits with 4. Returns the results of the budgets before that."""
        results, budget = [], 16 * KIB * KIB
        while not results or results[-1].returncode == 0:
            self.assertGreater(budget, KIB, "every budget was accepted, so the budget has no effect")
            results.append(self.under(budget, label, *arguments))
            budget = budget * 3 // 4
        last = results.pop()
        self.assertEqual(last.returncode, 4, last.stderr[-2000:])
        self.assertIn("memory.budget", last.stderr)
        self.assertEqual(last.stdout, "")
        self.assertGreater(len(results), 1)
        return results

    def test_evaluate_takes_fewer_clips_at_a_time_and_gives_the_same_metrics(self):
        data = f"--data={self.val}"
        whole = json.loads(self.under(None, "//trainer:evaluate", data).stdout)["metrics"]
        fewer = set()
        for result in self.down_to_nothing("//trainer:evaluate", data):
            fewer.update(re.findall(r"goes on with (\d+) clips? at a time", result.stderr))
            metrics = json.loads(result.stdout)["metrics"]
            for name in ("top1", "videos", "clips"):
                self.assertEqual(metrics[name], whole[name], "each clip once")
            self.assertAlmostEqual(metrics["loss"], whole["loss"], places=5)
        self.assertGreaterEqual(len(fewer), 2, "smaller and smaller pieces")

    def test_predict_gives_the_same_answer_if_a_clip_fits(self):
        arguments = (f"--input={self.clip}",)
        whole = json.loads(self.under(None, "//trainer:predict", *arguments).stdout)
        for result in self.down_to_nothing("//trainer:predict", *arguments):
            found = json.loads(result.stdout)
            self.assertEqual(found["label"], whole["label"])
            self.assertAlmostEqual(found["probability"], whole["probability"], places=5)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
