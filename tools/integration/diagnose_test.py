"""//memory:diagnose with a stand-in for the driver of NVIDIA's cards; watching; Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import unittest

import binaries
from binaries import must

GIB = 1 << 30
CLOSED = 999999999  # no process has this number


def environment(library, processes):
    """The variables that make `diagnose` load the stand-in, which reports `processes`."""
    folder = binaries.RUNFILES / "memory/reports" / library
    assert (folder / "libnvidia-ml.so.1").exists(), folder
    pairs = ",".join(f"{pid}:{'-' if held is None else held}" for pid, held in processes)
    return {**os.environ, "LD_LIBRARY_PATH": str(folder), "STAND_IN_NVML": pairs,
            "CUDA_VISIBLE_DEVICES": ""}


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"^VmRSS:\s*(\d+) kB", status.read(), re.MULTILINE)[1]) * 1024


class DiagnoseTest(unittest.TestCase):
    def setUp(self):
        # A neighbour that this machine knows.
        self.neighbour = subprocess.Popen(["sleep", "600"])

    def tearDown(self):
        self.neighbour.kill()
        self.neighbour.wait()

    def card(self, library, processes):
        result = must("//memory:diagnose", "--json", env=environment(library, processes))
        report = json.loads(result.stdout)
        self.assertEqual(result.stderr, "")
        self.assertEqual(len(report["accelerators"]), 1)
        return report["accelerators"][0], report["advice"]

    def test_both_processes_on_the_card_are_listed_with_name_and_bytes(self):
        two = [(CLOSED, 2 * GIB), (self.neighbour.pid, 3 * GIB)]
        expected = [{"pid": self.neighbour.pid, "name": "sleep 600", "bytes": 3 * GIB},
                    {"pid": CLOSED, "name": "", "bytes": 2 * GIB}]
        for library in ("stand_in", "stand_in_old"):
            card, advice = self.card(library, two)
            self.assertEqual(card["processes"], expected, "largest first, each once")
            self.assertEqual((card["name"], card["total_bytes"], card["free_bytes"]),
                             ("Stand-in 8GB", 8 * GIB, 3 * GIB))
            self.assertIn(f"Process {self.neighbour.pid} holds 3 GiB of {card['device']}: "
                          "stop it if it is not needed (sleep 600)", advice)

    def test_text_names_them_too(self):
        text = must("//memory:diagnose", env=environment("stand_in", [(self.neighbour.pid, GIB)])).stdout
        self.assertRegex(text, rf"held by +1 GiB +{self.neighbour.pid} +sleep 600")
        self.assertRegex(text, r"card 0 +8 GiB +free +3 GiB +Stand-in 8GB")

    def test_more_processes_than_there_is_room_for_at_first(self):
        many = [(CLOSED + i, (i + 1) << 20) for i in range(100)]
        card, _ = self.card("stand_in", many)
        self.assertEqual([(p["pid"], p["bytes"]) for p in card["processes"]], many[::-1])

    def test_unknown_bytes_are_null(self):
        card, advice = self.card("stand_in", [(self.neighbour.pid, None), (CLOSED, 5)])
        self.assertEqual([p["bytes"] for p in card["processes"]], [5, None])
        self.assertNotIn(f"Process {self.neighbour.pid} holds", " ".join(advice))

    def test_nothing_is_said_without_a_driver(self):
        result = must("//memory:diagnose", "--json",
                      env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "LD_LIBRARY_PATH": ""})
        self.assertEqual(result.stderr, "")
        self.assertFalse([one for one in json.loads(result.stdout)["accelerators"]
                          if one["name"] == "Stand-in 8GB"])

    def watch(self, seconds):
        return subprocess.Popen(
            [binaries.binary("//memory:diagnose"), "--json", f"--watch={seconds}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment("stand_in", [(self.neighbour.pid, GIB)]))

    def test_watching_prints_a_whole_line_per_reading_and_does_not_grow(self):
        with self.watch(0.001) as process:
            sizes, descriptors = [], []
            for _ in range(400):
                self.assertEqual(json.loads(process.stdout.readline())["accelerators"][0]["processes"][0]["pid"],
                                 self.neighbour.pid)
                sizes.append(resident_bytes(process.pid))
                descriptors.append(len(os.listdir(f"/proc/{process.pid}/fd")))
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        self.assertLessEqual(max(sizes[200:]) - max(sizes[:200]), 512 << 10)
        # A file of /proc may be open at the moment. What leaks stays open, so the fewest would grow.
        self.assertLessEqual(min(descriptors[200:]), min(descriptors[:200]))

    def test_ctrl_c_ends_the_wait_at_once_and_is_no_error(self):
        with self.watch(80000) as process:
            json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, rest, errors), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
