"""A run's checkpoints: saved before an error ends the run, written once, with a valid plan."""

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import struct
import unittest

import binaries
from binaries import must, run, scratch

IN_CREATE = 0x100
FIXTURE = binaries.RUNFILES / "trainer/checkpoint/testdata/format_2"


class CreatedNames:
    """Names that are created in a folder, in order, as the kernel (inotify) reports them."""

    def __init__(self, folder):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        if self.fd < 0 or self.libc.inotify_add_watch(self.fd, os.fsencode(folder), IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def read(self):
        names = []
        while True:
            try:
                events = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                os.close(self.fd)
                return names
            while events:
                length = struct.unpack_from("iIII", events)[3]
                names.append(os.fsdecode(events[16:16 + length].rstrip(b"\0")))
                events = events[16 + length:]


def damage_last_sample(shards):
    """Damages the frames of the sample that a sequential epoch reads last."""
    path = sorted(shards.glob("*.tar"))[-1]
    content = path.read_bytes()
    start = content.rindex(b"\x93NUMPY")
    path.write_bytes(content[:start] + b"spoilt" + content[start + 6:])


class CheckpointsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=2)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)
        cls.damaged, cls.damaged_val = (binaries.copy(shards, f"damaged_{shards.name}")
                                        for shards in (cls.shards, cls.val))
        damage_last_sample(cls.damaged)
        damage_last_sample(cls.damaged_val)

    def arguments(self, name, *overrides):
        return [f"--config={self.config}", f"--run={self.folder / name}", f"data.train={self.shards}",
                "evaluation.strategy=no", "train.max_epochs=100", "checkpoint.every_minutes=none",
                *overrides]

    def train(self, name, *overrides):
        return must("//trainer:train", *self.arguments(name, *overrides)).stderr

    def fails(self, code, name, *overrides, **options):
        result = run("//trainer:train", *self.arguments(name, *overrides), **options)
        self.assertEqual(result.returncode, code, result.stderr[-2000:])
        return result.stderr

    def json(self, name, file):
        return json.loads((self.folder / name / file).read_text())

    def lines(self, name):
        return [json.loads(line) for line in
                (self.folder / name / "metrics.jsonl").read_text().splitlines()]

    def steps(self, name):
        return [line["step"] for line in self.lines(name) if "lr" in line]

    def checkpoints(self, name):
        return self.folder / name / "checkpoints"

    def weights(self, name):
        return (self.checkpoints(name) / "latest/model.safetensors").read_bytes()

    def saved_step(self, message):
        step, path = re.search(r"The state of step (\d+) was saved in (\S+)", message).groups()
        self.assertTrue(os.path.exists(f"{path}/state.json"), path)
        self.assertEqual(path.rsplit("/", 1)[-1], f"step_{int(step):08d}")
        return int(step)

    def test_a_damaged_shard_ends_the_run_after_its_state_is_saved(self):
        epoch = ("data.sampling=sequential", "train.max_epochs=1", "trainer.log_every_steps=100",
                 "train.accumulate_grad_batches=1")
        self.train("whole", *epoch)
        message = self.fails(3, "cut", *epoch, f"data.train={self.damaged}")
        step = self.saved_step(message)
        whole = self.steps("whole")
        self.assertEqual(step, len(whole) - 1, "the last batch is the one that is damaged")
        self.assertEqual(self.steps("cut"), whole[:-1], "each step once")
        summary = self.json("cut", "summary.json")
        self.assertEqual((summary["steps"], summary["finished"], summary["stopped_by"]),
                         (step, False, "error"))
        # A process that does no step says where the state is. It writes no new checkpoint.
        before = os.stat(self.checkpoints("cut") / f"step_{step:08d}").st_ino
        message = self.fails(3, "cut", *epoch, f"data.train={self.damaged}")
        self.assertIn(f"The state of step {step} is in ", message)
        self.assertEqual(os.stat(self.checkpoints("cut") / f"step_{step:08d}").st_ino, before)
        # With the undamaged shard, the run continues and equals the run that never failed.
        self.train("cut", *epoch, "--allow_config_change")
        self.assertEqual(self.steps("cut"), whole, "each step once")
        self.assertTrue(self.weights("cut") == self.weights("whole"), "the same weights")

    def test_an_evaluation_that_fails_loses_no_step(self):
        evaluate = ("evaluation.strategy=steps", "evaluation.every_steps=2", "train.max_steps=3")
        message = self.fails(3, "judged", *evaluate, f"data.val={self.damaged_val}")
        self.assertEqual(self.saved_step(message), 2)
        self.train("judged", *evaluate, f"data.val={self.val}")
        self.assertEqual(self.steps("judged"), [1, 2, 3], "each step once")
        evaluated = [line["step"] for line in self.lines("judged") if "val_loss" in line]
        self.assertEqual(evaluated, [2, 3], "the failed evaluation is done again")

    def test_a_later_step_that_does_not_fit_loses_no_step(self):
        # Losses that wait to be read take bytes that the first step does not need. The plan is made
        # for a run that reads each loss at once, and stays when the run goes on and does not.
        first = ("trainer.log_every_steps=1", "memory.on_oom=fail", "memory.schedule=keep",
                 "train.max_steps=1")
        self.train("one", *first)
        peak = self.json("one", "summary.json")["phases"]["train"]["peak_bytes"]
        self.train("tight", *first, f"memory.budget={peak}")
        keys = ("trainer.log_every_steps=100", "memory.on_oom=fail", "memory.schedule=keep")
        message = self.fails(4, "tight", *keys, f"memory.budget={peak}", "train.max_steps=8")
        step = self.saved_step(message)
        self.assertGreaterEqual(step, 1)
        self.assertEqual(self.steps("tight"), list(range(1, step + 1)), "each step once")
        self.train("tight", *keys, "train.max_steps=8", "memory.budget=4GiB")
        self.train("roomy", *keys, "train.max_steps=8")
        self.assertEqual(self.steps("tight"), list(range(1, 9)), "each step once")
        self.assertTrue(self.weights("tight") == self.weights("roomy"), "the same weights")

    def test_an_error_before_the_first_step_leaves_no_checkpoint(self):
        self.fails(4, "never", "memory.on_oom=fail", "memory.budget=8MiB", "train.max_steps=2")
        self.assertFalse(self.checkpoints("never").exists())

    def test_a_full_disk_is_reported_beside_the_first_error(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails, as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        message = self.fails(3, "full", "data.sampling=sequential", f"data.train={self.damaged}",
                             "train.accumulate_grad_batches=1", preexec_fn=small_files,
                             restore_signals=False)
        told = re.search(r"(?s)(train-\d+\.tar.*)\nThe state of step \d+ could not be saved: (.*)", message)
        self.assertIsNotNone(told, message[-2000:])
        self.assertIn("model.safetensors", told[2])
        self.assertFalse(list(self.checkpoints("full").glob("step_*")))

    def test_a_step_that_is_both_best_and_due_writes_one_checkpoint(self):
        os.makedirs(self.checkpoints("once"))
        created = CreatedNames(self.checkpoints("once"))
        self.train("once", "train.max_steps=4", "checkpoint.every_steps=1", f"data.val={self.val}",
                   "evaluation.strategy=steps", "evaluation.every_steps=1", "evaluation.metric=loss")
        written = [name[-len("step_00000001"):] for name in created.read() if name.startswith(".writing-")]
        # Step 1 is always the best so far. The last step is saved at the end.
        self.assertEqual(written, [f"step_{step:08d}" for step in (1, 2, 3, 4)])

    def peak(self, words):
        """Peak device bytes of a step under this schedule."""
        self.train(f"peak_{words}", f"memory.schedule={words}", "train.max_steps=1")
        return self.json(f"peak_{words}", "summary.json")["peak_bytes"]["device"]

    def schedule(self, name):
        return self.json(name, "plan.json")["schedule"]

    def test_changed_memory_keys_override_the_checkpoints_plan(self):
        # Without lean stages the fastest schedule of a large budget is sure: keep.
        allow = "memory.allow=[checkpointing, split]"
        small = (self.peak("keep") + self.peak("checkpoint")) // 2
        self.train("planned", f"memory.budget={small}", allow, "train.max_steps=2")
        tightened = self.schedule("planned")
        self.assertNotEqual(tightened, "keep")
        # The same keys, so the tightened plan stays.
        self.assertIn("the checkpoint's plan stays in force",
                      self.train("planned", f"memory.budget={small}", allow, "train.max_steps=3"))
        self.assertEqual(self.schedule("planned"), tightened)
        # Another budget does not change what is learnt, so no flag is needed.
        message = self.train("planned", "memory.budget=4GiB", allow, "train.max_steps=4")
        line = f"schedule {tightened}) gives way to the configuration's (micro-batch 4, schedule keep)"
        self.assertEqual(message.count(line), 1, message)
        self.assertIn("memory.budget: ", message.split(line)[1].split("\n")[0])
        self.assertEqual(self.schedule("planned"), "keep")
        self.assertTrue(any(line in change for change in self.json("planned", "summary.json")["changes"]))
        message = self.train("planned", "memory.budget=4GiB", allow, "train.max_steps=5")
        self.assertNotIn("the checkpoint's plan", message)
        # The budget is a share of the machine's memory. If the machine has more, the ceiling changes.
        ceiling = self.json("peak_keep", "checkpoints/latest/state.json")["plan"]["made_under"]["ceiling_bytes"]
        share = f"memory.budget={100 * small / (ceiling * 3 / 4):.6f}%"

        def limited():
            resource.setrlimit(resource.RLIMIT_DATA, (ceiling * 3 // 4, ceiling * 3 // 4))
        must("//trainer:train", *self.arguments("moved", share, allow, "train.max_steps=1"), preexec_fn=limited)
        self.assertNotEqual(self.schedule("moved"), "keep")
        self.assertIn("memory ceiling: ", self.train("moved", share, allow, "train.max_steps=2"))
        self.assertEqual(self.schedule("moved"), "keep")

    def test_another_batch_size_is_the_new_micro_batch(self):
        self.train("batches", "train.max_steps=1")
        halved = ("data.batch_size=2", "train.accumulate_grad_batches=4", "train.max_steps=2")
        self.assertIn("--allow_config_change", self.fails(2, "batches", *halved))
        message = self.train("batches", *halved, "--allow_config_change")
        self.assertIn("gives way to the configuration's (micro-batch 2, schedule keep)", message)
        self.assertEqual(self.json("batches", "plan.json")["micro_batch_size"], 2)

    def test_a_run_resumes_from_a_checkpoint_of_format_2(self):
        checkpoint = self.checkpoints("older") / "step_00000002"
        shutil.copytree(FIXTURE, checkpoint, copy_function=shutil.copyfile)
        arguments = (f"--config={checkpoint / 'config.yaml'}", f"--run={self.folder / 'older'}")
        message = must("//trainer:train", *arguments, "train.max_steps=3").stderr
        self.assertIn("at step 2", message)
        self.assertEqual(self.json("older", "plan.json")["schedule"], "checkpoint")
        best = self.json("older", "checkpoints/latest/state.json")["best"]
        name = os.readlink(self.checkpoints("older") / "best")
        model = self.json("older", f"checkpoints/{name}/state.json")["files"]["model.safetensors"]
        self.assertEqual(best["model"], model, "from now on the state names the best checkpoint by its weights")
        message = must("//trainer:train", *arguments, "train.max_steps=4", "memory.schedule=keep").stderr
        self.assertIn("memory.schedule: checkpoint -> keep", message)
        self.assertEqual(self.json("older", "plan.json")["schedule"], "keep")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
