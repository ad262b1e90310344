"""The `tensorboard` package reads RUN/tensorboard and finds the numbers of the JSON files, also after kill -9.

SLIMREEL_PARITY_PYTHON names a Python with that package (tools/parity/setup.sh makes one).
"""

import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import time
import unittest

import binaries
from binaries import must, scratch

PYTHON = os.environ.get("SLIMREEL_PARITY_PYTHON") or "python3"
CHECK = pathlib.Path(__file__).with_name("tensorboard_check.py")
STEPS = 30
KILLS = 2
STEP_NUMBERS = ("loss", "lr", "grad_norm", "samples_per_second", "step_ms")
MEMORY_NUMBERS = ("live_bytes", "peak_bytes", "reserved_bytes", "host_bytes", "loader_bytes")
TAGS = ("parameters", "gradients", "optimizer", "activations", "input", "other")


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def has_tensorboard():
    return subprocess.run([PYTHON, "-c", "import tensorboard"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(has_tensorboard(), "SLIMREEL_PARITY_PYTHON has no package tensorboard")
class TensorboardTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=4)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)

    def arguments(self, name, *overrides):
        return [f"--config={self.config}", f"--run={self.folder / name}", f"data.train={self.shards}",
                f"data.val={self.val}", f"train.max_steps={STEPS}", "train.max_epochs=100",
                "evaluation.strategy=steps", "evaluation.every_steps=7", "checkpoint.every_steps=4",
                "trainer.log_every_steps=2", *overrides]

    def lines(self, name, file):
        path = self.folder / name / file
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def read(self, name):
        result = subprocess.run([PYTHON, str(CHECK), str(self.folder / name / "tensorboard")],
                                capture_output=True, text=True, check=True)
        return json.loads(result.stdout)

    def expect(self, read, tag, pairs):
        """`pairs` of (step, value) are stored under `tag`, each once, and a viewer shows them."""
        expected = [[step, as_float32(value)] for step, value in pairs]
        self.assertGreater(len(expected), 0, tag)
        self.assertEqual(read["stored"].get(tag), expected, tag)
        self.assertEqual(read["scalars"].get(tag), expected, tag)

    def compare(self, name):
        read = self.read(name)
        metrics, memory = self.lines(name, "metrics.jsonl"), self.lines(name, "memory.jsonl")
        steps = [line for line in metrics if "loss" in line]
        self.assertEqual([line["step"] for line in steps], list(range(1, STEPS + 1)))
        for key in STEP_NUMBERS:
            self.expect(read, f"train/{key}", [(line["step"], line[key]) for line in steps])
        evaluations = [line for line in metrics if "val_top1" in line]
        for key in ("top1", "top5", "mean_class_accuracy", "loss", "clip_top1"):
            self.expect(read, f"val/{key}", [(line["step"], line[f"val_{key}"]) for line in evaluations])
        self.assertGreater(len(memory), 5)
        for key in MEMORY_NUMBERS:
            self.expect(read, f"memory/{key}", [(line["step"], line[key]) for line in memory])
        for when in ("live", "peak"):
            for tag in TAGS:
                self.expect(read, f"memory/{when}/{tag}",
                            [(line["step"], line["by_tag"][when][tag]) for line in memory])
        for line in memory:
            self.assertEqual(sum(line["by_tag"]["live"].values()), line["live_bytes"])
            self.assertEqual(sum(line["by_tag"]["peak"].values()), line["peak_bytes"])
        for phase, peak in memory[-1]["phases"].items():
            self.assertEqual(read["scalars"][f"memory/phase/{phase}"][-1],
                             [memory[-1]["step"], as_float32(peak["peak_bytes"])])

    def kill_after(self, name, lines, seconds):
        """True if the kill came before the end of the run."""
        process = subprocess.Popen([binaries.binary("//trainer:train"), *self.arguments(name)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(self.lines_of(name)) < lines:
            time.sleep(0.005)
        time.sleep(seconds)
        process.kill()
        process.wait()
        return process.returncode == -signal.SIGKILL

    def lines_of(self, name):
        path = self.folder / name / "metrics.jsonl"
        return path.read_bytes().splitlines() if path.exists() else []

    def test_a_run_has_the_numbers_of_its_json_files(self):
        must("//trainer:train", *self.arguments("whole"))
        self.compare("whole")

    def test_a_killed_and_resumed_run_has_each_step_once(self):
        rng = random.Random(7)
        kills = sum(self.kill_after("killed", lines, rng.uniform(0.0, 0.1)) for lines in (7, 15))
        self.assertEqual(kills, KILLS)
        must("//trainer:train", *self.arguments("killed"))
        self.assertGreater(len(list((self.folder / "killed" / "tensorboard").iterdir())), 1)
        self.compare("killed")

    def test_a_run_without_the_key_writes_no_such_file(self):
        must("//trainer:train", *self.arguments("without", "trainer.tensorboard=false", "train.max_steps=1"))
        self.assertFalse((self.folder / "without" / "tensorboard").exists())


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
