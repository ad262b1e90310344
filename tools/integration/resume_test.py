"""A run that resumes with another configuration: what it keeps, refuses, reports and records."""

import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import binaries
import safetensors_file
from binaries import must, run, scratch

ALLOW = "--allow_config_change"
# For runs that are killed: no machine reaches the end or a save before the kill.
ENDLESS = ("train.max_steps=1000000", "train.max_epochs=1000000", "checkpoint.every_minutes=none")


class ResumeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=2)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)
        must("//trainer:train", *cls.arguments("begun", "train.max_steps=2"))

    @classmethod
    def arguments(cls, name, *overrides):
        return [f"--config={cls.config}", f"--run={cls.folder / name}", f"data.train={cls.shards}",
                "evaluation.strategy=no", "train.max_epochs=100", *overrides]

    def begin(self):
        """Makes a run folder for this test, with a checkpoint after two steps. Returns its name."""
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

    def evaluated(self, name, checkpoint):
        result = must("//trainer:evaluate", f"--run={self.folder / name}", f"--data={self.val}", "--json",
                      f"--checkpoint={self.folder / name / 'checkpoints' / checkpoint}")
        return json.loads(result.stdout)["metrics"]

    def kill_at(self, step, name, *overrides):
        """Kills the endless run by signal 9 once it has reported this step."""
        process = subprocess.Popen(
            [binaries.binary("//trainer:train"), *self.arguments(name, *ENDLESS, *overrides)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith(f"step {step}/"):
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL, "it ended before the kill")

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
        # The newest checkpoint has the change. So no flag is needed, and the change stays recorded.
        self.assertNotIn("train.optimizer", self.go_on(name, "train.optimizer=sgd", "train.max_steps=5"))
        self.assertEqual(self.changes(name)[:len(changes)], changes)

    def test_freezing_drops_optimizer_state_and_unfreezing_starts_it_anew(self):
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
            must("//trainer:evaluate", f"--run={self.folder / name}", f"--data={self.val}",
                 f"--checkpoint={first}")

    def test_a_checkpoint_is_evaluated_with_the_inputs_that_it_was_trained_on(self):
        name = self.begin()
        before = self.evaluated(name, "step_00000002")
        self.go_on(name, ALLOW, "data.frame_interval=2", "train.max_steps=3")
        self.assertEqual(self.evaluated(name, "step_00000002"), before)
        self.assertNotEqual(self.evaluated(name, "step_00000003")["loss"], before["loss"])
        # Other keys, here the number of clips, come from the run and not from the checkpoint.
        config = self.folder / name / "config.yaml"
        text = config.read_text()
        self.assertIn("  num_clips: 1\n", text)
        config.write_text(text.replace("  num_clips: 1\n", "  num_clips: 2\n"))
        self.assertEqual(self.evaluated(name, "step_00000002")["clips"], 2 * before["clips"])

    def test_a_schedule_for_other_stages_is_replaced_by_the_configurations(self):
        name = self.id().rsplit(".", 1)[-1]
        stages = int(re.search(r"2 words for (\d+) stages",
                               self.refused("begun", "memory.schedule=keep,lean"))[1])
        words = ",".join(["checkpoint", "lean"] + ["keep"] * (stages - 2))
        self.go_on(name, f"memory.schedule={words}", "train.max_steps=2")
        self.assertEqual(self.state(name)["plan"]["schedule"], words)
        frozen = ("model.freeze=[stem, layer1]", "memory.schedule=lean", "train.max_steps=3")
        self.assertIn("model.freeze", self.refused(name, *frozen))
        line = f"the checkpoint's plan (micro-batch 4, schedule {words}) gives way"
        message = self.go_on(name, ALLOW, *frozen)
        self.assertIn(line, message)
        self.assertIn("stages that learn: ", message.split(line)[1])
        self.assertEqual(self.state(name)["plan"]["schedule"], "lean")
        self.assertTrue(any(change.startswith(f"step 2: {line}") for change in self.changes(name)),
                        self.changes(name))
        # The next process does not report it again.
        self.assertNotIn("gives way", self.go_on(name, *frozen[:2], "train.max_steps=4"))

    def test_a_larger_batch_raises_the_checkpoints_micro_batch(self):
        name = self.begin()
        self.assertEqual(self.state(name)["plan"]["micro_batch"], 4)
        larger = ("data.batch_size=8", "train.accumulate_grad_batches=1", "train.max_steps=3")
        line = "(micro-batch 4, schedule keep) gives way to the configuration's (micro-batch 8, schedule keep)"
        self.assertIn(line, self.go_on(name, ALLOW, *larger))
        self.assertTrue(any(line in change for change in self.changes(name)))
        self.assertEqual(self.state(name)["plan"]["micro_batch"], 8)
        for file in ("plan.json", "summary.json"):
            found = json.loads((self.folder / name / file).read_text())
            self.assertEqual((found["micro_batch_size"], found["accumulate_grad_batches"]), (8, 1), file)

    def test_another_model_is_refused_with_a_remedy(self):
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
        self.assertIn("class 3 is left in the checkpoint, renamed in data.train", message)
        self.assertNotIn("clockwise", message.split("other classes", 1)[1], "not the whole lists")

    def test_a_change_is_reported_again_after_a_kill_before_the_next_save(self):
        name = self.begin()
        self.kill_at(4, name, ALLOW, "train.lr=0.25")
        line = "train.lr: 0.001 -> 0.25"
        self.assertIn(line, self.refused(name, "train.lr=0.25", "train.max_steps=3"),
                      "the checkpoint is still the old one")
        back = f"{name}_back"
        shutil.copytree(self.folder / name, self.folder / back, symlinks=True)
        self.assertNotIn("train.lr", self.go_on(back, "train.max_steps=3"))
        self.assertIn(line, self.go_on(name, ALLOW, "train.lr=0.25", "train.max_steps=3"))
        self.assertEqual([c for c in self.changes(name) if "train.lr" in c], [f"step 2: {line}"])

    def test_a_new_metric_starts_without_a_best_checkpoint(self):
        name = self.begin()
        evaluate = (f"data.val={self.val}", "evaluation.strategy=steps", "evaluation.every_steps=1")
        self.go_on(name, "train.max_steps=3", "evaluation.metric=loss", *evaluate)
        self.assertEqual(self.state(name)["best"]["metric"], "loss")
        self.assertGreater(self.state(name)["best"]["value"], 1)  # more than any top1
        self.go_on(name, "train.max_steps=4", "evaluation.metric=top1", *evaluate)
        best = self.state(name)["best"]
        self.assertEqual((best["metric"], best["step"]), ("top1", 4))
        self.assertEqual(os.readlink(self.folder / name / "checkpoints/best"), "step_00000004")

    def test_a_finished_run_that_is_extended_and_killed_resumes(self):
        longer = ("train.max_steps=40",)
        must("//trainer:train", *self.arguments("whole", *longer))
        name = self.begin()
        self.assertTrue(self.state(name)["finished"])
        self.kill_at(6, name)
        self.assertEqual(self.state(name)["step"], 2)
        self.go_on(name, *longer)
        self.assertEqual(self.state(name)["step"], 40)
        for file in ("model.safetensors", "optimizer.safetensors"):
            self.assertTrue(self.tensors(name, file) == self.tensors("whole", file), file)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
