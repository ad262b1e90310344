"""Without memory.budget, a run stays within the limits of its machine: it takes another plan, and nobody kills it."""

import json
import os
import resource
import signal
import subprocess
import sys
import unittest

import binaries
from binaries import must, run, scratch
from memory_group import Group

MIB = 1 << 20
ROOMY = 2048 * MIB  # a limit that the run does not reach

CONFIG = """\
seed: 3
data:
  train: synthetic:32
  val: synthetic:8
  batch_size: 8
  img_size: 112
  num_frames: 16
model:
  name: r3d_nano
  num_classes: 4
  norm_group: 1
train:
  max_steps: 2
  optimizer: sgd  # AdamW would amplify the rounding of another split
trainer:
  device: cpu
  progress: false
  log_every_steps: 1
"""


def rlimit(kind, limit):
    """For preexec_fn: as `ulimit` does."""
    return lambda: resource.setrlimit(kind, (limit, limit))


class MachineLimitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config = cls.folder / "config.yaml"
        cls.config.write_text(CONFIG)
        must("//trainer:train", *cls.arguments("free"))
        cls.free = cls.summary("free")

    @classmethod
    def arguments(cls, name, *overrides):
        return [f"--config={cls.config}", f"--run={cls.folder / name}", *overrides]

    @classmethod
    def summary(cls, name):
        return json.loads((cls.folder / name / "summary.json").read_text())

    @staticmethod
    def plan(summary):
        return summary["micro_batch_size"], summary["schedule"]

    def limit_for(self, roomy):
        """The limit that leaves two thirds of what the tensors of a free run take."""
        self.assertEqual((roomy["oom_retries"], self.plan(roomy)), (0, self.plan(self.free)))
        outside = ROOMY - roomy["budget_bytes"]
        self.assertGreater(outside, 64 * MIB, "the program itself takes some of the limit")
        return outside + self.free["peak_bytes"]["device"] * 2 // 3

    def check(self, name, result, origin):
        """The run under the limit did the same work in less memory."""
        self.assertIn(f"({origin}: ", result.stderr)
        summary = self.summary(name)
        self.assertTrue(summary["oom_retries"] > 0 or self.plan(summary) != self.plan(self.free))
        self.assertEqual(summary["steps"], self.free["steps"])
        self.assertLessEqual(summary["peak_bytes"]["reserved"], summary["budget_bytes"])
        self.assertLess(summary["budget_bytes"], self.free["peak_bytes"]["device"])
        self.assertAlmostEqual(summary["metrics"]["loss"], self.free["metrics"]["loss"], places=3)

    def test_a_run_alone_in_its_control_group_is_not_killed(self):
        with Group(ROOMY) as group:
            must("//trainer:train", *self.arguments("roomy"), preexec_fn=group.enter)
        limit = self.limit_for(self.summary("roomy"))
        with Group(limit) as group:
            result = must("//trainer:train", *self.arguments("group"), preexec_fn=group.enter)
            self.assertEqual(group.kills(), 0)
            self.check("group", result, "cgroup v1")
            evaluated = must("//trainer:evaluate", f"--run={self.folder / 'group'}", "--json",
                             preexec_fn=group.enter)
            self.assertIn("(cgroup v1: ", evaluated.stderr)
            self.assertEqual(group.kills(), 0)

    def test_the_kernel_would_kill_a_run_that_took_what_it_wants(self):
        wants = self.free["peak_bytes"]["device"]
        with Group(wants) as group:
            hog = subprocess.run([sys.executable, "-c", f"bytearray(b'x' * {wants})"], check=False,
                                 preexec_fn=group.enter)
            self.assertEqual(hog.returncode, -signal.SIGKILL)
            self.assertEqual(group.kills(), 1)

    def test_a_group_that_holds_nothing_but_the_program_exits_4_and_names_the_group(self):
        with Group(96 * MIB) as group:
            result = run("//trainer:train", *self.arguments("nothing"), preexec_fn=group.enter)
            self.assertEqual(group.kills(), 0)
        self.assertEqual(result.returncode, 4, result.stderr[-2000:])
        self.assertIn("a higher limit of the control group", result.stderr)
        self.assertFalse((self.folder / "nothing").exists())

    def under_rlimit(self, kind, origin):
        name = origin.replace(" ", "_")
        must("//trainer:train", *self.arguments(f"roomy_{name}"), preexec_fn=rlimit(kind, ROOMY))
        limit = self.limit_for(self.summary(f"roomy_{name}"))
        result = must("//trainer:train", *self.arguments(name), preexec_fn=rlimit(kind, limit))
        self.check(name, result, origin)

    def test_a_run_stays_within_a_limit_of_addresses(self):
        self.under_rlimit(resource.RLIMIT_AS, "rlimit AS")

    def test_a_run_stays_within_a_limit_of_data(self):
        self.under_rlimit(resource.RLIMIT_DATA, "rlimit DATA")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
