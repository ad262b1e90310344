"""memory.host_budget and the dataloader.* keys, tested on whole runs."""

import json
import unittest

import binaries
from binaries import must, run, scratch

BATCH_BYTES = 8 * 3 * 8 * 32 * 32  # the tiny configuration's effective batch
VAL_BYTES = BATCH_BYTES // 2


class HostBudgetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)

    def arguments(self, name, *overrides):
        return [f"--config={self.config}", f"--run={self.folder / name}", f"data.train={self.shards}",
                f"data.val={self.val}", "train.max_steps=2", *overrides]

    def test_buffers_stay_under_every_budget_that_holds_a_batch(self):
        for batches in (0, 1, 3, 6):
            budget = BATCH_BYTES + VAL_BYTES + batches * BATCH_BYTES
            name = f"budget{batches}"
            result = must("//trainer:train", *self.arguments(
                name, f"memory.host_budget={budget}", "dataloader.num_workers=4"))
            loader = json.loads((self.folder / name / "summary.json").read_text())["loader"]
            self.assertEqual(loader["host_budget_bytes"], budget)
            self.assertLessEqual(loader["peak_bytes"], budget)
            self.assertEqual(loader["num_workers"], min(4, batches))
            self.assertEqual(result.stderr.count("loading train:"), 1, "logged once")
            self.assertIn("memory.host_budget has room for", result.stderr)

    def test_a_batch_that_does_not_fit_exits_4_before_anything_is_written(self):
        result = run("//trainer:train", *self.arguments("small", f"memory.host_budget={BATCH_BYTES}"))
        self.assertEqual(result.returncode, 4, result.stderr[-2000:])
        for part in ("memory.host_budget", "data.batch_size"):
            self.assertIn(part, result.stderr)
        self.assertFalse((self.folder / "small").exists())

    def test_pinned_memory_on_a_cpu_logs_that_it_has_no_effect(self):
        result = must("//trainer:train", *self.arguments("pinned", "dataloader.pin_memory=true",
                                                         "trainer.device=cpu"))
        self.assertIn("dataloader.pin_memory=true has no effect", result.stderr)
        loader = json.loads((self.folder / "pinned" / "summary.json").read_text())["loader"]
        self.assertFalse(loader["pin_memory"])


if __name__ == "__main__":
    unittest.main()
