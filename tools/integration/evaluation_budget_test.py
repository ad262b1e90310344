"""An evaluation stays within memory.budget, and its metrics do not depend on the budget."""

import json
import os
import unittest

import binaries
from binaries import must, run, scratch

CLIPS = 1024
CLIP_BYTES = 3 * 8 * 32 * 32


class EvaluationBudgetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config = cls.folder / "tiny.yaml"
        cls.config.write_text(binaries.TINY_CONFIG)

    def arguments(self, name, *overrides):
        return [f"--config={self.config}", f"--run={self.folder / name}", "data.train=synthetic:8",
                f"data.val=synthetic:{CLIPS}", "model.num_classes=4", "train.max_steps=1",
                "train.max_epochs=1", f"data.eval_batch_size={CLIPS}", *overrides]

    def summary(self, name):
        return json.loads((self.folder / name / "summary.json").read_text())

    def test_a_batch_over_the_budget_is_reduced_and_scores_the_same(self):
        must("//trainer:train", *self.arguments("trained", "evaluation.strategy=no"))
        budget = self.summary("trained")["peak_bytes"]["device"] + (1 << 20)
        self.assertGreater(CLIPS * CLIP_BYTES, budget, "the batch is larger than the budget")
        must("//trainer:train", *self.arguments("whole"))
        lowered = must("//trainer:train", *self.arguments("lowered", f"memory.budget={budget}"))
        self.assertIn(f"data.eval_batch_size = {CLIPS}", lowered.stderr)
        whole, pieces = (self.summary(name)["metrics"] for name in ("whole", "lowered"))
        self.assertEqual(pieces["clips"], CLIPS)
        self.assertEqual(pieces["top1"], whole["top1"])
        self.assertAlmostEqual(pieces["loss"], whole["loss"], places=4)
        summary = self.summary("lowered")
        self.assertLessEqual(summary["peak_bytes"]["reserved"], budget)
        self.assertLess(summary["loader"]["peak_bytes"], CLIPS * CLIP_BYTES,
                        "the loader never holds the whole batch either")
        result = must("//trainer:evaluate", f"--run={self.folder / 'lowered'}", "--json",
                      "--checkpoint=latest")
        self.assertAlmostEqual(json.loads(result.stdout)["metrics"]["loss"], pieces["loss"], places=4)

    def test_a_limit_counts_batches_of_the_configured_size(self):
        must("//trainer:train", *self.arguments("small", "evaluation.strategy=no"))
        budget = self.summary("small")["peak_bytes"]["device"] + (1 << 20)
        must("//trainer:train", *self.arguments("limited", f"memory.budget={budget}",
                                                "data.eval_batch_size=300",
                                                "trainer.limit_val_batches=1"))
        self.assertEqual(self.summary("limited")["metrics"]["clips"], 300)

    def test_a_clip_that_does_not_fit_names_the_key_and_the_bytes(self):
        must("//trainer:train", *self.arguments("fits", "evaluation.strategy=no"))
        config = self.folder / "fits" / "config.yaml"
        weights = (self.folder / "fits/checkpoints/latest/model.safetensors").stat().st_size
        text = config.read_text()
        self.assertIn("  budget: none\n", text)
        config.write_text(text.replace("  budget: none\n", f"  budget: {weights + 20000}\n", 1))
        result = run("//trainer:evaluate", f"--run={self.folder / 'fits'}")
        self.assertEqual(result.returncode, 4, result.stderr[-2000:])
        self.assertRegex(result.stderr, r"which wants \d+ bytes in all, does not fit memory.budget = \d+")
        self.assertIn("data.eval_batch_size", result.stderr)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
