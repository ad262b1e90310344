"""A real memory control group (v1) for tests. Making one needs root."""

import os
import pathlib
import re
import unittest


def v1_memory_group():
    """Returns the folder of this process's v1 memory group; None: there is none."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, options = line.split()[:4]
        if kind == "cgroup" and "memory" in options.split(","):
            break
    else:
        return None
    path = re.search(r"^\d+:(?:.*,)?memory(?:,.*)?:(/.*)$",
                     pathlib.Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    own = pathlib.Path(mount + path[1]) if path else pathlib.Path(mount)
    return own if own.is_dir() else pathlib.Path(mount)


class Group:
    """A memory control group of its own, with a limit. A context manager."""

    def __init__(self, limit):
        parent = v1_memory_group()
        if parent is None:
            raise unittest.SkipTest("this machine has no v1 memory control groups")
        self.folder = parent / f"slimreel_test_{os.getpid()}"
        try:
            self.folder.mkdir()
            (self.folder / "memory.limit_in_bytes").write_text(str(limit))
        except OSError as error:
            raise unittest.SkipTest(f"a memory control group cannot be made here: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.rmdir()

    def enter(self):
        """For preexec_fn: the new process runs in this group."""
        (self.folder / "cgroup.procs").write_text("0")

    def kills(self):
        text = (self.folder / "memory.oom_control").read_text()
        return int(re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)[1])
