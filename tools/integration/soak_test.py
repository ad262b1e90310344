"""A long run takes no more memory and no more file descriptors at its end than near its start.

    soak_test.py [--epochs N]

The run evaluates and saves in every epoch and loads with workers. Its resident set and its open descriptors
are read at each logged step, from outside. Around 10 % of the steps and at the end, the lowest values of a
window are compared, because a checkpoint that is being written holds some for a moment.
"""

import argparse
import os
import re
import subprocess
import sys
import unittest

import binaries
from binaries import scratch

EPOCHS = 40  # of 12 steps; in fewer, 10 % of the run would be before its first evaluations and savings
GROWTH = 0.01  # of the resident set
STEP = re.compile(r"step (\d+)/(\d+)")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class SoakTest(unittest.TestCase):
    def test_memory_and_descriptors_stay(self):
        folder = scratch()
        config, _, shards = binaries.tiny_set(folder, clips_per_class=4)
        held_out = binaries.held_out_shards(folder, config)
        readings = self.readings([
            f"--config={config}", f"--run={folder / 'run'}", f"data.train={shards}", f"data.val={held_out}",
            "data.batch_size=2", "train.accumulate_grad_batches=1", f"train.max_epochs={EPOCHS}",
            "evaluation.strategy=epoch", "checkpoint.every_steps=5", "dataloader.num_workers=2"])
        steps = max(readings)
        print(f"{EPOCHS} epochs, {steps} steps, {len(readings)} readings")
        early = [reading for step, reading in readings.items() if 0.075 <= step / steps <= 0.125]
        late = [reading for step, reading in readings.items() if step / steps >= 0.9]
        (early_bytes, early_files), (late_bytes, late_files) = (map(min, zip(*window)) for window in (early, late))
        print(f"resident set {early_bytes} -> {late_bytes} bytes, descriptors {early_files} -> {late_files}")
        self.assertEqual(late_files, early_files)
        self.assertLessEqual(late_bytes, early_bytes * (1 + GROWTH))

    def readings(self, arguments):
        """Step -> (resident bytes, open descriptors), while the run lasts."""
        process = subprocess.Popen([binaries.binary("//trainer:train"), *arguments],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        found, last = {}, []
        for line in process.stderr:
            last = [*last[-20:], line]
            step = STEP.search(line)
            if step is None:
                continue
            try:
                found[int(step[1])] = (resident_bytes(process.pid), open_descriptors(process.pid))
            except OSError:  # it has ended
                break
        process.stderr.read()
        self.assertEqual(process.wait(), 0, "".join(last))
        process.stderr.close()
        return found


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments, rest = parser.parse_known_args()
    EPOCHS = arguments.epochs
    unittest.main(argv=[sys.argv[0], *rest])
