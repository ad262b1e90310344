"""Trains one model of each family on synthetic samples: half precision, overflows, normalisation groups."""

import json
import unittest

import binaries
import safetensors_file
from binaries import must, scratch

MODELS = {
    "r3d_nano": ("data.img_size=32", "data.num_frames=8"),
    "video_vit_nano": ("data.img_size=32", "data.num_frames=4"),
    "posec3d_nano": ("data.num_frames=4", "data.heatmap.size=32"),
    "rgbposeconv3d_nano": ("data.img_size=64", "data.num_frames=2"),
    "whisper_nano": ("data.batch_size=1",),
}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class FamiliesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()

    def train(self, model, run, *overrides):
        """Returns (stderr, rows of metrics.jsonl, tensors of the last checkpoint)."""
        folder = self.folder / run
        classes = () if model.startswith("whisper") else ("model.num_classes=3",)
        result = must("//trainer:train", f"--run={folder}", "data.train=synthetic:8", f"model.name={model}",
                      "data.batch_size=8", *MODELS[model], *classes, "evaluation.strategy=no",
                      "train.max_epochs=100", "trainer.log_every_steps=1", *overrides)
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        tensors = safetensors_file.read(folder / "checkpoints" / "latest" / "model.safetensors")
        return result.stderr, rows, tensors

    def test_each_family_trains_in_half_precision_with_float32_weights(self):
        for model in MODELS:
            with self.subTest(model):
                # Most CPUs emulate half precision slowly, so the batches are small.
                small = () if model == "whisper_nano" else ("data.batch_size=2",)
                _, rows, tensors = self.train(model, f"half_{model}", "train.max_steps=4", "trainer.precision=16",
                                              *small)
                self.assertEqual([row["step"] for row in rows], [1, 2, 3, 4])
                for row in rows:
                    self.assertGreater(row["loss_scale"], 1)
                    self.assertIn(row["found_inf"], (True, False))
                    self.assertTrue(0 < row["loss"] < 100, row)
                # The first loss scale may be too high for one or two steps. After that it fits.
                self.assertFalse(rows[-1]["found_inf"])
                for name, (dtype, _, _) in tensors.items():
                    self.assertIn(dtype, ("F32", "I64"), name)

    def test_overflows_are_reported_and_leave_the_weights_unchanged(self):
        wild = ("trainer.precision=16", "train.optimizer=sgd", "train.lr=1e4", "train.clip_grad_norm=none")
        _, _, after_one = self.train("video_vit_nano", "one_step", *wild, "train.max_steps=1")
        message, rows, after_four = self.train("video_vit_nano", "four_steps", *wild, "train.max_steps=4")
        self.assertEqual([row["found_inf"] for row in rows], [False, True, True, True])
        scales = [row["loss_scale"] for row in rows]
        self.assertEqual(scales[2:], [scales[1] / 2, scales[1] / 4])
        self.assertIn("step 2 is left out: its gradients overflowed", message)
        self.assertEqual(after_four, after_one)

    def test_a_global_group_is_the_whole_batch_under_any_budget(self):
        steps = ("train.max_steps=2", "memory.budget=1GiB")
        message, _, whole = self.train("r3d_nano", "global", *steps, "model.norm_group=global")
        self.assertIn("the budget never splits below micro-batches of 8", message)
        _, _, eight = self.train("r3d_nano", "eight", *steps, "model.norm_group=8")
        _, _, four = self.train("r3d_nano", "four", *steps, "model.norm_group=4")
        self.assertEqual(whole, eight)
        tracked = next(name for name in whole if name.endswith("num_batches_tracked"))
        self.assertNotEqual(four[tracked], whole[tracked])
        for name in whole:
            if not name.endswith(STATISTICS):
                self.assertNotEqual(four[name], whole[name], name)


if __name__ == "__main__":
    unittest.main()
