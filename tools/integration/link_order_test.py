"""The C++ library's symbols come from libstdc++, not from the copies that LibTorch exports.

The loader takes a symbol from the first library that has it, in the order of the program's list.
"""

import re
import subprocess
import unittest

import binaries
from binaries import binary, scratch

STANDARD = "libstdc++.so.6"
TORCH = ("libtorch", "libc10")
WITH_TORCH = ("//trainer:train", "//trainer:evaluate", "//trainer:predict", "//models:model", "//memory:diagnose",
              "//trainer/benchmark:step_server", "//memory/tracking:tracking_test")  # a test: it links our libraries as shared ones
WITHOUT_TORCH = ("//data:prepare", "//data:shards", "//data:make_demo")


def needed(path):
    """Names of the libraries in the file's own list (NEEDED), in order."""
    text = subprocess.run(["readelf", "-d", path], text=True, capture_output=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def exported(path):
    """Symbols that a shared library defines."""
    text = subprocess.run(["nm", "-D", "--defined-only", path], text=True, capture_output=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in text.splitlines()}


def bindings(label):
    """Starts a program. Returns (binding file, file bound to, symbol) for each symbol that the loader binds."""
    log = scratch() / "bindings"
    subprocess.run([binary(label), "--help"], capture_output=True, timeout=binaries.TIMEOUT_SECONDS, check=False,
                   env={"LD_BIND_NOW": "1", "LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(log)})
    pattern = re.compile(r"binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `([^']+)'")
    return [match.groups() for part in log.parent.glob(log.name + ".*")
            for match in pattern.finditer(part.read_text(encoding="utf-8", errors="replace"))]


class LinkOrderTest(unittest.TestCase):
    def test_libstdcxx_is_named_before_libtorch(self):
        for label in WITH_TORCH:
            names = needed(binary(label))
            torch = [i for i, name in enumerate(names) if name.startswith(TORCH)]
            self.assertTrue(torch, f"{label} names no library of LibTorch: {names}")
            self.assertIn(STANDARD, names, label)
            self.assertLess(names.index(STANDARD), torch[0], f"{label}: {names}")

    def test_programs_without_tensors_name_no_libtorch(self):
        for label in WITHOUT_TORCH:
            self.assertFalse([name for name in needed(binary(label)) if name.startswith(TORCH)], label)

    def test_every_symbol_of_the_standard_library_is_bound_to_it(self):
        for label in WITH_TORCH:
            found = bindings(label)
            path = next(to for _, to, _ in found if to.endswith("/" + STANDARD))
            standard = exported(path)
            # Our files: the program and, for a test, its shared libraries. The compiler puts copies of
            # inline functions into them, so a symbol may be bound to one of these files.
            ours = re.compile(re.escape(binary(label)) + r"$|.*/_solib_[^/]*/|.*\.runfiles/|.*/bazel-out/")
            mine = [row for row in found if ours.match(row[0])]
            self.assertTrue([row for row in mine if row[1] == path], f"{label} binds no symbol to {path}")
            wrong = sorted({(to, symbol) for _, to, symbol in mine
                            if symbol in standard and to != path and not ours.match(to)})
            self.assertEqual(wrong, [], label)


if __name__ == "__main__":
    unittest.main()
