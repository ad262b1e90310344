"""Gradients with dropout and drop-path do not depend on the schedule. Those of torch.compile under a budget do.

SLIMREEL_PARITY_PYTHON names a Python for the peer (tools/parity/setup.sh makes one). It takes
torch from .libtorch/ if it has none of its own.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import binaries

PYTHON = os.environ.get("SLIMREEL_PARITY_PYTHON") or "python3"
CHECK = pathlib.Path(__file__).with_name("dropout_compile_check.py")
LIBTORCH = pathlib.Path(__file__).resolve().parents[2] / ".libtorch"
MODELS = {"r3d_nano": ["0.3"], "video_vit_nano": ["0.3", "0.3"], "whisper_nano": ["0.3"]}  # dropout, drop-path
SHAPE = ("4", "8", "32", "200", "12")  # batch, frames, size, audio frames, tokens
WORDS = ("keep", "lean", "checkpoint", "every:2", "every:3")
BUDGETS = 6  # of each model, between the natural peak and the smallest with checkpointing only


class PlanServer:
    """A plan_server with dropout; each test case starts its own, so that all begin with the same weights."""

    def __init__(self, model, probabilities):
        self.process = subprocess.Popen(
            [binaries.binary("//trainer/benchmark:plan_server"), model, *SHAPE, "reuse", *probabilities],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def gradients(model, schedule, probabilities):
    plan = {"micro_batch": int(SHAPE[0]), "schedule": schedule, "release": False, "page_optimizer": False}
    with PlanServer(model, probabilities) as server:
        server.ask(f"use 0 {json.dumps(plan)}")
        return server.ask("gradients")["gradients"]


def planned_schedules(model):
    """What the planner makes of budgets when it may only recompute: also stages that run three times."""
    with PlanServer(model, MODELS[model]) as server:
        top = server.ask("about")["natural_peak_bytes"]
        bottom = server.ask("plan checkpointing 0")["smallest_budget_bytes"]
        budgets = [bottom + (top - bottom) * n // BUDGETS for n in range(BUDGETS)]
        return {server.ask(f"plan checkpointing {budget}")["plan"]["schedule"] for budget in budgets}


def environment():
    has_torch = subprocess.run([PYTHON, "-c", "import torch"], capture_output=True, check=False).returncode == 0
    return dict(os.environ) if has_torch else dict(os.environ, PYTHONPATH=str(LIBTORCH))


def can_compile():
    check = "import sympy, torch._inductor"
    return subprocess.run([PYTHON, "-c", check], env=environment(), capture_output=True, check=False).returncode == 0


class DropoutTest(unittest.TestCase):
    def test_every_schedule_gives_the_gradients_of_the_plain_run(self):
        num_planned = 0
        for model, probabilities in MODELS.items():
            plain = gradients(model, "keep", probabilities)
            self.assertNotEqual(plain, gradients(model, "keep", ["0"]), "dropout does nothing")
            planned = planned_schedules(model)
            num_planned += len(planned)
            for schedule in [*WORDS, *sorted(planned)]:
                self.assertEqual(gradients(model, schedule, probabilities), plain, f"{model} {schedule}")
        self.assertGreaterEqual(num_planned, 2 * len(MODELS))

    @unittest.skipUnless(can_compile(), "SLIMREEL_PARITY_PYTHON cannot run torch.compile")
    def test_torch_compile_under_a_budget_gives_gradients_of_other_masks(self):
        with tempfile.TemporaryDirectory() as cache:  # of what it compiles
            run = subprocess.run([PYTHON, str(CHECK)], env=dict(environment(), TORCHINDUCTOR_CACHE_DIR=cache),
                                 text=True, capture_output=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        wrong = {row["budget"]: row["other_entries"] for row in map(json.loads, run.stdout.splitlines())}
        self.assertEqual(wrong[1.0], 0)
        # If this fails, torch.compile has been repaired.
        self.assertGreater(wrong[0.5], 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
