"""Going on with another configuration: what is taken over, refused, reported, and never forgotten."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import binaries
import safetensors_file
from binaries import must, run, scratch

ALLOW = "--allow_config_change"


class ResumeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=2)
        must("//trainer:train", *cls.arguments("begun", "train.max_steps=2"))

    @classmethod
    def arguments(cls, name, *overrides):
        return [f"--config={cls.config}", f"--run={cls.folder / name}", f"data.train={cls.shards}",
                "evaluation.strategy=no", "train.max_epochs=100", *overrides]

    def begin(self):
        """A run folder of this test's own with a checkpoint after two steps."""
        name = self.id().rsplit(".", 1)[-1]
        shutil.copytree(self.folder / "begun", self.folder / name, symlinks=True)
        return name

    def refused(self, name, *overrides):
        result = run("//trainer:train", *self.arguments(name, *overrides))
        self.assertEqual(result.returncode, 2, result.stderr[-2000:])
        return result.stderr

    def go_on(self, name, *overrides):
        return must("//trainer:train", *self.arguments(name, *overrides)).stderr

    def changes(self, name):
        return json.loads((self.folder / name / "summary.json").read_text()).get("changes", [])

    def tensors(self, name, file, checkpoint="latest"):
        return safetensors_file.read(self.folder / name / "checkpoints" / checkpoint / file)

    def state(self, name):
        return json.loads((self.folder / name / "checkpoints/latest/state.json").read_text())

    def kill_after(self, lines, *arguments):
        """Kills the run by signal 9 once its metrics.jsonl has so many lines."""
        metrics = pathlib.Path(arguments[1].removeprefix("--run=")) / "metrics.jsonl"
        process = subprocess.Popen([binaries.binary("//trainer:train"), *arguments],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and metrics.read_text().count("\n") < lines:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(), -signal.SIGKILL, "it ended before the kill")

    def test_another_optimizer_starts_with_fresh_state_and_says_so(self):
        name = self.begin()
        sgd = ("train.optimizer=sgd", "train.max_steps=4")
        self.assertIn(ALLOW, self.refused(name, *sgd))
        message = self.go_on(name, ALLOW, *sgd)
        self.assertIn("optimizer state that starts anew: ", message)
        states = self.tensors(name, "optimizer.safetensors")
        self.assertTrue(all(state.endswith(".momentum_buffer") for state in states))
        changes = self.changes(name)
        self.assertIn("step 2: train.optimizer: adamw -> sgd", changes)
        self.assertTrue(any("starts anew" in change for change in changes), changes)
        # The change is behind the newest checkpoint: no flag any more, and nothing is forgotten.
        self.assertNotIn("train.optimizer", self.go_on(name, "train.optimizer=sgd", "train.max_steps=5"))
        self.assertEqual(self.changes(name)[:len(changes)], changes)

    def test_freezing_drops_state_and_thawing_starts_anew(self):
        name = self.begin()
        message = self.go_on(name, ALLOW, "model.freeze=[stem]", "train.max_steps=3")
        self.assertIn("optimizer state that is dropped: stem", message)
        self.assertFalse([s for s in self.tensors(name, "optimizer.safetensors") if s.startswith("stem")])
        message = self.go_on(name, ALLOW, "train.max_steps=4")
        self.assertIn("optimizer state that starts anew: stem", message)
        steps = {key: value[2] for key, value in self.tensors(name, "optimizer.safetensors").items()
                 if key.endswith(".step")}
        thawed = {value for key, value in steps.items() if key.startswith("stem")}
        others = {value for key, value in steps.items() if not key.startswith("stem")}
        self.assertEqual((len(thawed), len(others)), (1, 1))
        self.assertNotEqual(thawed, others, "each parameter counts its own steps")

    def test_another_precision_converts_and_older_checkpoints_can_still_be_evaluated(self):
        name = self.begin()
        before = self.tensors(name, "model.safetensors")
        for precision, dtype, steps in ((64, "F64", 3), (16, "F32", 4), (32, "F32", 5)):
            self.go_on(name, ALLOW, f"trainer.precision={precision}", f"train.max_steps={steps}")
            weights = self.tensors(name, "model.safetensors")
            self.assertEqual(weights.keys(), before.keys())
            self.assertEqual(weights["fc.weight"][0], dtype)
            has_scale = "loss_scale.scale" in self.tensors(name, "optimizer.safetensors")
            self.assertEqual(has_scale, precision == 16)
            first = self.folder / name / "checkpoints/step_00000003"
            must("//trainer:evaluate", f"--run={self.folder / name}", f"--data={self.shards}",
                 f"--checkpoint={first}")

    def test_another_model_is_refused_with_a_way_out(self):
        name = self.begin()
        for change in ("model.name=video_vit_nano", "model.num_classes=9"):
            message = self.refused(name, ALLOW, change, "train.max_steps=3")
            self.assertIn("model.weights: ", message)
            self.assertIn(change.split("=")[0], message)
        self.go_on(name, "train.max_steps=3")

    def test_other_classes_are_refused(self):
        name = self.begin()
        clips = self.folder / "clips"
        fewer = self.folder / "fewer_clips"
        for folder in sorted(clips.iterdir()):
            shutil.copytree(folder, fewer / ("renamed" if folder.name == "left" else folder.name))
        must("//data:prepare", f"--config={self.config}", f"--input={fewer}",
             f"--output={self.folder / 'fewer'}")
        message = self.refused(name, ALLOW, f"data.train={self.folder / 'fewer'}", "train.max_steps=3")
        self.assertIn("renamed", message)

    def test_a_change_is_reported_again_after_a_kill_before_the_next_save(self):
        name = self.begin()
        changed = ("train.lr=0.25", "train.max_steps=500", "checkpoint.every_minutes=none")
        self.kill_after(4, *self.arguments(name, ALLOW, *changed))
        line = "train.lr: 0.001 -> 0.25"
        self.assertIn(line, self.refused(name, *changed), "the checkpoint is still the old one")
        back = f"{name}_back"
        shutil.copytree(self.folder / name, self.folder / back, symlinks=True)
        self.assertNotIn("train.lr", self.go_on(back, "train.max_steps=3"))
        self.assertIn(line, self.go_on(name, ALLOW, "train.lr=0.25", "train.max_steps=3"))
        self.assertEqual([c for c in self.changes(name) if "train.lr" in c], [f"step 2: {line}"])

    def test_the_best_of_another_metric_is_none(self):
        name = self.begin()
        evaluate = (f"data.val={self.shards}", "evaluation.strategy=steps", "evaluation.every_steps=1")
        self.go_on(name, "train.max_steps=3", "evaluation.metric=loss", *evaluate)
        self.assertEqual(self.state(name)["best"]["metric"], "loss")
        self.assertGreater(self.state(name)["best"]["value"], 1)  # more than any top1
        self.go_on(name, "train.max_steps=4", "evaluation.metric=top1", *evaluate)
        best = self.state(name)["best"]
        self.assertEqual((best["metric"], best["step"]), ("top1", 4))
        self.assertEqual(os.readlink(self.folder / name / "checkpoints/best"), "step_00000004")

    def test_a_finished_run_that_is_made_longer_and_killed_goes_on(self):
        longer = ("train.max_steps=40", "checkpoint.every_minutes=none")
        must("//trainer:train", *self.arguments("whole", *longer))
        name = self.begin()
        self.assertTrue(self.state(name)["finished"])
        self.kill_after(6, *self.arguments(name, *longer))
        self.assertEqual(self.state(name)["step"], 2)
        self.go_on(name, *longer)
        self.assertEqual(self.state(name)["step"], 40)
        for file in ("model.safetensors", "optimizer.safetensors"):
            self.assertTrue(self.tensors(name, file) == self.tensors("whole", file), file)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
