"""The pre-commit hook formats the staged text and leaves unstaged changes of the working file alone."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UGLY = "int  Sum(int a,int b){return a+b;}\n"
NEAT = "int Sum(int a, int b) { return a + b; }\n"


@unittest.skipUnless(shutil.which("clang-format") and shutil.which("git"), "no clang-format or no git")
class PreCommit(unittest.TestCase):

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.clone = pathlib.Path(self._folder.name)
        self.git("init", "-q")
        shutil.copy(ROOT / ".clang-format", self.clone)
        self.file = self.clone / "a folder" / "sum.cc"
        self.file.parent.mkdir()

    def git(self, *arguments):
        settings = ["user.name=t", "user.email=t@t", f"core.hooksPath={ROOT / 'tools' / 'hooks'}"]
        return subprocess.run(
            ["git", *(word for setting in settings for word in ("-c", setting)), *arguments],
            cwd=self.clone, check=True, capture_output=True, text=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}).stdout

    def commit(self, text):
        self.file.write_text(text)
        self.git("add", "a folder")

    def test_the_commit_and_the_working_file_are_formatted(self):
        self.commit(UGLY)
        self.git("commit", "-qm", "Add")
        self.assertEqual(self.git("show", "HEAD:a folder/sum.cc"), NEAT)
        self.assertEqual(self.file.read_text(), NEAT)
        self.assertEqual(self.git("status", "--porcelain", "--", "a folder"), "")

    def test_a_working_file_with_unstaged_changes_stays(self):
        self.commit(UGLY)
        further = UGLY + "int  x;\n"
        self.file.write_text(further)
        self.git("commit", "-qm", "Add")
        self.assertEqual(self.git("show", "HEAD:a folder/sum.cc"), NEAT)
        self.assertEqual(self.file.read_text(), further)

    def test_other_files_stay(self):
        (self.clone / "notes.txt").write_text("a  b\n")
        self.git("add", "notes.txt")
        self.git("commit", "-qm", "Add")
        self.assertEqual(self.git("show", "HEAD:notes.txt"), "a  b\n")


if __name__ == "__main__":
    unittest.main()
