"""In programs that compute, waiting OpenMP threads spin only briefly, unless the user sets a value."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import unittest

import binaries
from binaries import binary

PROGRAMS = ("//trainer:train", "//trainer:evaluate", "//trainer:predict", "//models:model")
SERVER = "//trainer/benchmark:step_server"  # has no --help; without arguments it prints its usage and ends


def spin_count(command, **variables):
    """GOMP_SPINCOUNT as libgomp reports it. The command does not get the variables of Bazel's tests."""
    result = subprocess.run(command, env={"OMP_DISPLAY_ENV": "verbose", **variables}, text=True,
                            capture_output=True, timeout=binaries.TIMEOUT_SECONDS, check=False)
    found = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", result.stderr)
    assert found, f"{command}: exit {result.returncode}\n{result.stderr}"
    return int(found[-1])


def help_of(label):
    return [binary(label)] + ([] if label == SERVER else ["--help"])


class SpinLimitTest(unittest.TestCase):
    def test_every_program_that_computes_spins_briefly(self):
        for label in (*PROGRAMS, SERVER):
            self.assertEqual(spin_count(help_of(label)), 1000, label)

    def test_the_users_setting_wins(self):
        for label in (*PROGRAMS, SERVER):
            self.assertEqual(spin_count(help_of(label), GOMP_SPINCOUNT="77"), 77, label)
            self.assertEqual(spin_count(help_of(label), OMP_WAIT_POLICY="passive"), 0, label)
            self.assertGreater(spin_count(help_of(label), OMP_WAIT_POLICY="active"), 1000000, label)

    def test_setting_the_limit_keeps_the_process_and_its_arguments(self):
        environment = {"WORD": "kept", "TEST_TMPDIR": os.environ.get("TEST_TMPDIR", "/tmp")}
        with subprocess.Popen([binary(SERVER), "r3d_nano", "1", "8", "32"], env=environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write("peak\n")
            process.stdin.flush()
            self.assertIn("peak_live_bytes", json.loads(process.stdout.readline()), "standard input is kept")
            seen = pathlib.Path("/proc") / str(process.pid)
            variables = (seen / "environ").read_bytes().split(b"\0")
            self.assertEqual(sorted(filter(None, variables)), sorted(
                [f"{key}={value}".encode() for key, value in environment.items()] + [b"GOMP_SPINCOUNT=1000"]))
            self.assertEqual((seen / "cmdline").read_bytes().split(b"\0")[:-1],
                             [binary(SERVER).encode(), b"r3d_nano", b"1", b"8", b"32"])
            self.assertEqual((seen / "comm").read_text().strip(), "step_server")
            self.assertEqual(os.readlink(seen / "exe"), os.path.realpath(binary(SERVER)))
            process.stdin.write("quit\n")
            process.stdin.flush()
            self.assertEqual(process.wait(binaries.TIMEOUT_SECONDS), 0)

    def test_a_program_started_through_the_loader_runs_without_the_limit(self):
        header = subprocess.run(["readelf", "-l", binary(SERVER)], text=True, capture_output=True, check=True).stdout
        loader = re.search(r"interpreter: (\S+)\]", header).group(1)
        self.assertNotEqual(spin_count([loader, *help_of("//trainer:train")]), 1000)
        result = subprocess.run([loader, *help_of("//trainer:train")], env={}, text=True, capture_output=True,
                                timeout=binaries.TIMEOUT_SECONDS, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("memory.budget", result.stdout)

    def test_without_proc_a_program_runs_without_the_limit(self):
        hide = "mount -t tmpfs none /proc && exec "
        try:
            subprocess.run(["unshare", "-m", "sh", "-c", hide + "true"], capture_output=True, check=True)
        except (subprocess.CalledProcessError, FileNotFoundError):
            self.skipTest("/proc cannot be hidden here")
        command = ["unshare", "-m", "sh", "-c", hide + shlex.join(help_of("//trainer:train"))]
        self.assertNotEqual(spin_count(command, PATH=os.environ["PATH"]), 1000)


if __name__ == "__main__":
    unittest.main()
