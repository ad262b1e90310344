"""A neighbour takes the memory of the machine during a run: nobody is killed, and nothing is lost.

The machine is a real v1 memory group that holds both processes.
"""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

import binaries
from binaries import binary, must, scratch
from memory_group import Group

MIB = 1 << 20
ROOMY = 4096 * MIB
PATIENCE_SECONDS = 300  # a hang is a failure

CONFIG = """\
seed: 3
data:
  train: synthetic:64
  batch_size: 16
  img_size: 112
  num_frames: 16
model:
  name: r3d_nano
  num_classes: 4
  norm_group: 1
train:
  max_steps: 1000000
dataloader:
  num_workers: 2
  prefetch_factor: 4
memory:
  cpu_threshold: 0.7
  auto_cleanup_interval: 1
trainer:
  device: cpu
  progress: false
  log_every_steps: 1
"""

# Takes 50 MB/s until only a fifth of the group is left. It says so, and holds on: it takes what the run gives back.
NEIGHBOUR = """\
import pathlib, sys, time
group, limit, held, told = pathlib.Path(sys.argv[1]), int(sys.argv[2]), [], False
def taken():
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int((group / "memory.usage_in_bytes").read_text()) - int(stat["total_inactive_file"])
while True:
    gap = limit * 4 // 5 - taken()
    if gap > 0:
        held.append(bytearray(b"x" * min(gap, 5_000_000)))
    elif not told:
        print("full", flush=True)
        told = True
    time.sleep(0.1)
"""


class NeighbourTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config = cls.folder / "config.yaml"
        cls.config.write_text(CONFIG)
        with Group(ROOMY) as group:
            must("//trainer:train", f"--config={cls.config}", f"--run={cls.folder / 'alone'}", "train.max_steps=3",
                 preexec_fn=group.enter)
            cls.alone_bytes = int((group.folder / "memory.max_usage_in_bytes").read_text())

    def steps(self, name):
        path = self.folder / name / "metrics.jsonl"
        return path.read_text().count("\n") if path.exists() else 0

    def await_steps(self, name, process, steps):
        """Returns once the run has logged `steps` steps or has ended."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.steps(name) < steps and process.poll() is None:
            self.assertLess(time.monotonic(), until, "the run makes no progress")
            time.sleep(0.05)

    def start(self, name, group, *overrides):
        with open(self.folder / f"{name}.log", "w", encoding="utf-8") as log:
            return subprocess.Popen(
                [binary("//trainer:train"), f"--config={self.config}", f"--run={self.folder / name}", *overrides],
                stderr=log, stdout=subprocess.DEVNULL, preexec_fn=group.enter)

    def run_beside_a_neighbour(self, name, limit):
        """Returns the exit code and the log of the run, and how many processes the kernel has killed."""
        with Group(limit) as group:
            training = self.start(name, group)
            neighbour = None
            try:
                self.await_steps(name, training, 3)
                neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR, str(group.folder), str(limit)],
                                             stdout=subprocess.PIPE, text=True, preexec_fn=group.enter)
                self.assertEqual(neighbour.stdout.readline(), "full\n")
                # Meanwhile the neighbour takes what the run gives back.
                self.await_steps(name, training, self.steps(name) + 5)
                if training.poll() is None:
                    training.send_signal(signal.SIGTERM)
                training.wait(PATIENCE_SECONDS)
            finally:
                for process in (training, neighbour):
                    if process is not None:
                        process.kill()
                        process.wait()
                if neighbour is not None:
                    neighbour.stdout.close()
            return training.returncode, (self.folder / f"{name}.log").read_text(), group.kills()

    def check(self, name, limit):
        code, log, kills = self.run_beside_a_neighbour(name, limit)
        self.assertEqual(kills, 0, log[-3000:])
        self.assertIn(code, (4, 75), log[-3000:])  # 75: the test's own signal
        summary = json.loads((self.folder / name / "summary.json").read_text())
        manager = summary["memory_manager"]
        print(f"\nlimit {limit}: exit {code}, {summary['steps']} steps, {summary['oom_retries']} retries, "
              f"{manager['cleanups']} clean-ups freed {manager['freed_bytes']} bytes", file=sys.stderr)
        self.assertGreaterEqual(manager["cleanups"], 1)
        self.assertGreater(manager["by_cleanup"]["kept_blocks"]["freed_bytes"], 0)
        self.assertIn("memory is short" if manager["warnings"] else "memory clean-up freed", log)
        must("//trainer:train", f"--config={self.config}", f"--run={self.folder / name}",
             f"train.max_steps={summary['steps'] + 1}", "--allow_config_change")
        self.assertEqual(self.steps(name), summary["steps"] + 1, "the run goes on where it was saved")

    def test_a_run_with_room_gives_memory_back_and_is_not_killed(self):
        self.check("roomy", self.alone_bytes * 2)

    def test_a_run_that_fills_its_machine_needs_less_or_saves_and_is_not_killed(self):
        self.check("full", self.alone_bytes * 13 // 10)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    assert binaries.TIMEOUT_SECONDS >= PATIENCE_SECONDS
    unittest.main()
