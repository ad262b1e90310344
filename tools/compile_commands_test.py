"""Bazel's compile actions become entries that an editor can use."""

import os
import unittest

import compile_commands


class Entry(unittest.TestCase):

    def entry(self, *arguments):
        return compile_commands.entry({"arguments": ["/usr/bin/gcc", *arguments]}, "/out")

    def test_a_source_of_the_repo_keeps_its_flags(self):
        made = self.entry("-Wall", "-iquote", ".", "-std=c++20", "-c", "base/bytes.cc", "-o", "x.o")
        self.assertEqual(made["file"], "base/bytes.cc")
        self.assertEqual(made["arguments"][1:5], ["-Wall", "-iquote", ".", "-std=c++20"])
        self.assertTrue(os.path.exists(os.path.join(made["directory"], made["file"])))

    def test_external_folders_become_paths_that_exist_outside_of_bazel(self):
        made = self.entry("-isystem", "external/torch/include", "-Iexternal/a", "-c", "base/bytes.cc")
        self.assertIn("/out/external/torch/include", made["arguments"])
        self.assertIn("-I/out/external/a", made["arguments"])

    def test_flags_that_clang_does_not_know_are_left_out(self):
        made = self.entry("-fno-canonical-system-headers", "-c", "base/bytes.cc")
        self.assertNotIn("-fno-canonical-system-headers", made["arguments"])

    def test_other_actions_are_left_out(self):
        self.assertIsNone(self.entry("-c", "external/json/a.cc"))
        self.assertIsNone(self.entry("-c", "base/a.S"))
        self.assertIsNone(self.entry("-shared"))


if __name__ == "__main__":
    unittest.main()
