"""A run is not scored on the samples that it was trained on, unless --split=train asks for that."""

import json
import shutil
import unittest

import binaries
from binaries import must, run, scratch


class HeldOutTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=2)
        cls.val = binaries.held_out_shards(cls.folder, cls.config, clips_per_class=1)
        cls.moved = binaries.copy(cls.shards, "moved")
        must("//trainer:train", *cls.arguments("trained", "train.max_steps=1", "evaluation.strategy=no"))

    @classmethod
    def arguments(cls, name, *overrides):
        return [f"--config={cls.config}", f"--run={cls.folder / name}", f"data.train={cls.shards}",
                "train.max_epochs=100", *overrides]

    def refused(self, label, *arguments):
        result = run(label, *arguments)
        self.assertEqual(result.returncode, 2, result.stderr[-2000:])
        self.assertIn("are among those that the run is trained on", result.stderr)
        return result.stderr

    def evaluate(self, name, *flags):
        return must("//trainer:evaluate", f"--run={self.folder / name}", "--json", *flags)

    def begin(self):
        name = self.id().rsplit(".", 1)[-1]
        shutil.copytree(self.folder / "trained", self.folder / name, symlinks=True)
        return name

    def test_training_samples_as_data_val_are_refused_before_the_run(self):
        for val in (self.shards, self.moved, f"[{self.val}, {self.moved}]"):
            message = self.refused("//trainer:train", *self.arguments("none", f"data.val={val}"))
            self.assertIn("samples of data.val", message)
            self.assertIn("evaluation.strategy=no", message)
            self.assertIn("--split=val", message)
            self.assertIn("moved holds only the split 'train'; it is used for data.val"
                          if val != self.shards else "for data.val", message)
            self.assertFalse((self.folder / "none").exists())

    def test_held_out_samples_under_another_splits_name_are_used_and_reported(self):
        message = must("//trainer:train", *self.arguments("other_name", f"data.val={self.val}",
                                                          "train.max_steps=1")).stderr
        self.assertNotIn("holds only", message)
        message = self.evaluate("trained", f"--data={self.val}").stderr
        self.assertIn(f"{self.val} holds only the split 'val'; it is used for --data", message)

    def test_evaluate_asks_for_split_train_if_samples_were_trained_on(self):
        trained = f"--run={self.folder / 'trained'}"
        for data in (self.shards, self.moved):
            message = self.refused("//trainer:evaluate", trained, f"--data={data}")
            self.assertIn("--split=train", message)
        # A val split that holds training samples is refused too.
        self.refused("//trainer:evaluate", trained, f"--data={self.moved}", "--split=val")
        of_run = json.loads(self.evaluate("trained", "--split=train").stdout)["metrics"]
        given = json.loads(self.evaluate("trained", "--split=train", f"--data={self.moved}").stdout)
        self.assertEqual(of_run, given["metrics"])
        self.assertGreater(of_run["videos"], 4)

    def test_a_run_resumed_with_other_data_remembers_both(self):
        name = self.begin()
        must("//trainer:train", *self.arguments(name, "train.max_steps=2", "evaluation.strategy=no"),
             f"data.train={self.val}", "--allow_config_change")
        for data in (self.val, self.shards):
            self.refused("//trainer:evaluate", f"--run={self.folder / name}", f"--data={data}")

    def test_a_checkpoint_of_another_run_brings_its_record_of_training_samples(self):
        start = self.folder / "trained" / "checkpoints" / "step_00000001"
        must("//trainer:train", *self.arguments("onward", "train.max_steps=2", "evaluation.strategy=no"),
             f"data.train={self.val}", "--allow_config_change", f"--resume={start}")
        self.refused("//trainer:evaluate", f"--run={self.folder / 'onward'}", f"--data={self.shards}")

    def test_a_run_without_that_record_is_checked_by_its_folders_and_warns(self):
        name = self.begin()
        (self.folder / name / "trained_on.bin").unlink()
        self.assertIn("weaker", self.refused("//trainer:evaluate", f"--run={self.folder / name}",
                                             f"--data={self.moved}"))
        self.assertIn("weaker", self.evaluate(name, f"--data={self.val}").stderr)
        # When the run goes on, it records what data.train holds now.
        must("//trainer:train", *self.arguments(name, "train.max_steps=2", "evaluation.strategy=no"))
        self.assertNotIn("weaker", self.evaluate(name, f"--data={self.val}").stderr)

    def test_synthetic_samples_are_not_checked(self):
        synthetic = ("model.num_classes=4", "data.train=synthetic:8", "data.val=synthetic:8")
        must("//trainer:train", *self.arguments("synthetic", "train.max_steps=1"), *synthetic)
        self.assertNotIn("weaker", self.evaluate("synthetic").stderr)


if __name__ == "__main__":
    unittest.main()
