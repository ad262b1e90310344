"""What a run does with its keys and what it writes to its folder: rates, clipping, limits, evaluations."""

import json
import os
import struct
import unittest

import binaries
import safetensors_file
from binaries import must, scratch

LR = 0.5


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=4)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)

    def train(self, name, *overrides, flags=()):
        return must("//trainer:train", f"--config={self.config}", f"--run={self.folder / name}", *flags,
                    f"data.train={self.shards}", "evaluation.strategy=no", "train.max_epochs=100",
                    *overrides).stderr

    def lines(self, name):
        return [json.loads(line) for line in
                (self.folder / name / "metrics.jsonl").read_text().splitlines()]

    def steps(self, name):
        return [line for line in self.lines(name) if "lr" in line]

    def json(self, name, file):
        return json.loads((self.folder / name / file).read_text())

    def weights(self, name, checkpoint="latest"):
        """Returns {name: values} of all parameters."""
        tensors = safetensors_file.read(
            self.folder / name / "checkpoints" / checkpoint / "model.safetensors")
        return {key: struct.unpack(f"<{len(data) // 4}f", data)
                for key, (dtype, _, data) in tensors.items() if dtype == "F32" and "running" not in key}

    def test_the_first_step_has_the_first_rate_of_the_warm_up(self):
        self.train("warm", "train.warmup_steps=4", "train.lr=0.4", "train.max_steps=6")
        for line, rate in zip(self.steps("warm"), (0.1, 0.2, 0.3, 0.4, 0.4, 0.4), strict=True):
            self.assertAlmostEqual(line["lr"], rate)

    def test_the_logged_norm_is_the_one_before_clipping_and_the_update_is_clipped(self):
        sgd = ("train.optimizer=sgd", "train.momentum=0", "train.weight_decay=0", f"train.lr={LR}",
               "checkpoint.every_steps=1")
        self.train("unclipped", *sgd, "train.max_steps=1")
        norm = self.steps("unclipped")[0]["grad_norm"]
        self.train("clipped", *sgd, "train.max_steps=2", f"train.clip_grad_norm={norm / 10}")
        self.assertAlmostEqual(self.steps("clipped")[0]["grad_norm"], norm, places=5)
        first, second = (self.weights("clipped", f"step_0000000{step}") for step in (1, 2))
        moved = sum((a - b) ** 2 for key in first for a, b in zip(first[key], second[key])) ** 0.5
        self.assertGreater(self.steps("clipped")[1]["grad_norm"], norm / 10)
        self.assertAlmostEqual(moved / (LR * norm / 10), 1.0, places=2)

    def test_a_limit_ends_the_epoch_and_the_next_one_begins_with_its_own_order(self):
        # Two micro-batches of four make one step. So the limit of three gives an epoch two steps.
        self.train("limited", "trainer.limit_train_batches=3", "train.max_steps=5")
        self.assertEqual([line["epoch"] for line in self.steps("limited")], [0, 0, 1, 1, 2])
        self.train("whole", "train.max_steps=5")
        limited, whole = ([line["loss"] for line in self.steps(name)] for name in ("limited", "whole"))
        self.assertEqual(limited[:2], whole[:2])
        self.assertNotEqual(limited[2], whole[2])

    def test_a_new_batch_size_continues_at_the_same_sample_of_the_epoch(self):
        samples = sum(line["samples"] for line in self.steps_of_one_epoch("epoch"))
        self.train("smaller", "train.max_steps=1")
        self.train("smaller", "train.accumulate_grad_batches=1", "train.max_steps=20",
                   flags=["--allow_config_change"])
        first_epoch = [line["samples"] for line in self.steps("smaller") if line["epoch"] == 0]
        self.assertEqual(first_epoch[:2], [8, 4])
        self.assertEqual(sum(first_epoch), samples, "every sample of the epoch once")

    def steps_of_one_epoch(self, name):
        self.train(name, "train.max_epochs=1")
        return self.steps(name)

    def test_a_batch_halved_during_the_run_keeps_the_samples_ends_and_number_of_epochs(self):
        samples = sum(line["samples"] for line in self.steps_of_one_epoch("undivided"))
        three = ("train.max_epochs=3", "train.schedule=linear")
        self.train("halved", *three, "train.max_steps=1")
        self.train("halved", *three, "train.accumulate_grad_batches=1", f"data.val={self.val}",
                   "evaluation.strategy=epoch", flags=["--allow_config_change"])
        steps = self.steps("halved")
        self.assertEqual([line["samples"] for line in steps[:2]], [8, 4])
        seen, ends = {}, {}
        for line in steps:
            seen[line["epoch"]] = seen.get(line["epoch"], 0) + line["samples"]
            ends[line["epoch"]] = line["step"]
        self.assertEqual(seen, {0: samples, 1: samples, 2: samples})
        evaluated = [(line["step"], line["epoch"]) for line in self.lines("halved") if "val_top1" in line]
        self.assertEqual(evaluated, [(end, epoch + 1) for epoch, end in ends.items()])
        summary = self.json("halved", "summary.json")
        self.assertEqual((summary["steps"], summary["epochs"]), (ends[2], 3))
        self.assertTrue(summary["finished"])
        # The schedule spans the steps of the run: the rate reaches zero one step after the last.
        self.assertAlmostEqual(steps[-1]["lr"], 0.001 / ends[2])

    def test_a_limit_on_evaluation_is_a_number_of_batches(self):
        for limit, clips in ((1, 4), (2, 8)):
            self.train(f"evaluated{limit}", "train.max_steps=1", f"data.val={self.val}",
                       "evaluation.strategy=epoch", f"trainer.limit_val_batches={limit}")
            self.assertEqual([line["val_clips"] for line in self.lines(f"evaluated{limit}")
                              if "val_clips" in line], [clips])

    def test_another_seed_learns_something_else(self):
        for seed in (3, 4):
            self.train(f"seed{seed}", f"seed={seed}", "train.max_steps=1")
        self.assertNotEqual(self.weights("seed3"), self.weights("seed4"))

    def test_a_resumed_run_first_does_the_evaluation_that_it_missed(self):
        self.train("late", "train.max_steps=2")
        self.train("late", "train.max_steps=3", f"data.val={self.val}", "evaluation.strategy=steps",
                   "evaluation.every_steps=2")
        evaluated = [line["step"] for line in self.lines("late") if "val_top1" in line]
        self.assertEqual(evaluated, [2, 3])

    def test_resuming_an_earlier_checkpoint_sets_the_later_ones_aside(self):
        self.train("back", "train.max_steps=3", "checkpoint.every_steps=1")
        checkpoints = self.folder / "back" / "checkpoints"
        learnt = self.weights("back")
        self.train("back", "train.max_steps=3", "checkpoint.every_steps=1",
                   flags=[f"--resume={checkpoints / 'step_00000001'}"])
        self.assertTrue((checkpoints / "superseded_step_00000003" / "state.json").exists())
        self.assertEqual([line["step"] for line in self.steps("back")], [1, 2, 3], "each step once")
        self.assertTrue(self.weights("back") == learnt, "the same weights")  # a diff would be long
        self.train("back", "train.max_steps=2", flags=[f"--resume={checkpoints / 'step_00000001'}"])
        for name in ("superseded_step_00000003", "superseded_step_00000003.2"):
            self.assertTrue((checkpoints / name / "state.json").exists(), name)

    def test_only_the_newest_and_the_best_checkpoints_stay(self):
        keys = ("checkpoint.every_steps=1", "checkpoint.keep=2", f"data.val={self.val}",
                "evaluation.strategy=steps", "evaluation.every_steps=1", "evaluation.metric=loss")
        self.train("kept", "train.max_steps=2", *keys)
        # From here on the loss gets worse.
        self.train("kept", "train.max_steps=6", "train.lr=10", *keys, flags=["--allow_config_change"])
        checkpoints = self.folder / "kept" / "checkpoints"
        losses = {line["step"]: line["val_loss"] for line in self.lines("kept") if "val_loss" in line}
        self.assertLess(min(losses, key=losses.get), 5)
        best = f"step_{min(losses, key=losses.get):08d}"
        self.assertEqual(os.readlink(checkpoints / "best"), best)
        self.assertEqual(os.readlink(checkpoints / "latest"), "step_00000006")
        self.assertEqual({path.name for path in checkpoints.glob("step_*")},
                         {"step_00000005", "step_00000006", best})


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
