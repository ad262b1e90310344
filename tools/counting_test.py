"""The last line of tools/test.sh and .ci/run counts each case once: passed, failed or skipped."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).absolute().parents[1]

GTEST = """<testsuites><testsuite>
<testcase name="A" status="run" result="completed"/>
<testcase name="B" status="run" result="completed"><failure message="no"/></testcase>
<testcase name="C" status="run" result="skipped"><skipped message="no disk"/></testcase>
<testcase name="D" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""
LOGGED = """<testsuites><testsuite><testcase name="t" status="run"></testcase>
<system-out>Generated test.log
<![CDATA[exec ${PAGER} "$0"
%s]]></system-out></testsuite></testsuites>"""
UNITTEST = "..s\n" + "-" * 70 + "\nRan %d tests in 1.5s\n\n%s\n"


def unittest_log(ran, end):
    return LOGGED % (UNITTEST % (ran, end))


def result(folder, name, status, log):
    """Makes one testResult event. Its test.xml holds `log`. If `log` is None, there is no test.xml."""
    path = folder / f"{name}.xml"
    if log is not None:
        path.write_text(log)
    return {"testResult": {"status": status, "testActionOutput": [{"name": "test.xml", "uri": path.as_uri()}]}}


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/usr/bin/env bash\n" + text)
    path.chmod(0o755)


def last_line(command, cwd, **variables):
    process = subprocess.run(command, cwd=cwd, text=True, capture_output=True, check=False,
                             env={**os.environ, **variables})
    lines = process.stdout.splitlines()
    return (lines[-1] if lines else process.stderr), process.returncode


class CountingTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))

    def count(self, *events):
        path = self.folder / "events.json"
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        process = subprocess.run([sys.executable, str(ROOT / "tools" / "count_tests.py"), str(path)], text=True,
                                 capture_output=True, check=True)
        return tuple(map(int, process.stdout.split()))

    def test_cases_of_each_kind_of_test(self):
        for status, log, expected in (
                ("FAILED", GTEST, (1, 1, 1)),
                ("PASSED", unittest_log(5, "OK (skipped=2)"), (3, 0, 2)),
                ("PASSED", unittest_log(1, "OK"), (1, 0, 0)),
                ("PASSED", unittest_log(0, "OK (skipped=1)"), (0, 0, 1)),
                ("FAILED", unittest_log(9, "FAILED (failures=1, errors=2, skipped=3)"), (3, 3, 3)),
                ("PASSED", LOGGED % "tar: passed\nnumpy: skipped (none here)\nwebdataset: passed\n", (2, 0, 1)),
                ("FAILED", LOGGED % "tar: passed\nno such file\n", (1, 1, 0)),
                ("PASSED", LOGGED % "all is well\n", (1, 0, 0)),
                ("FAILED", LOGGED % "Segmentation fault\n", (0, 1, 0)),
                ("TIMEOUT", None, (0, 1, 0)),
                ("PASSED", "no xml", (1, 0, 0))):
            self.assertEqual(self.count(result(self.folder, "t", status, log)), expected, log)

    def test_a_test_that_was_not_built_is_a_failure(self):
        self.assertEqual(self.count({"testSummary": {"overallStatus": "FAILED_TO_BUILD"}},
                                    result(self.folder, "a", "PASSED", unittest_log(2, "OK"))), (2, 1, 0))

    def test_test_sh_ends_with_all_three_numbers(self):
        tools = self.folder / "tools"
        for name in ("setup.sh", "parity/setup.sh", "format.sh"):
            script(tools / name, "exit 0\n")
        for name in ("test.sh", "count_tests.py"):
            shutil.copy(ROOT / "tools" / name, tools / name)
        prepared = self.folder / "prepared.json"
        # Acts as a Bazel that ran the tests of `prepared`. With a sanitizer it finds no test.
        script(self.folder / "bin" / "bazel",
               'for word in "$@"; do case "$word" in --config=*) exit 4 ;;\n'
               f'--build_event_json_file=*) cp {prepared} "${{word#*=}}" ;; esac; done\nexit "$BAZEL_CODE"\n')
        for status, log, code, expected in (
                ("PASSED", unittest_log(5, "OK (skipped=2)"), 0, ("3 passed, 0 failed, 2 skipped", 0)),
                ("PASSED", unittest_log(1, "OK"), 0, ("1 passed, 0 failed, 0 skipped", 0)),
                ("FAILED", GTEST, 3, ("1 passed, 1 failed, 1 skipped", 1)),
                ("PASSED", unittest_log(1, "OK"), 1, ("1 passed, 1 failed, 0 skipped", 1))):
            prepared.write_text(json.dumps(result(self.folder, "t", status, log)))
            seen = last_line([str(tools / "test.sh"), "--sanitize"], self.folder, BAZEL_CODE=str(code),
                             PATH=f"{self.folder}/bin:{os.environ['PATH']}")
            self.assertEqual(seen, expected)

    def test_ci_adds_its_own_run(self):
        (self.folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "run", self.folder / ".ci" / "run")
        for tests, tests_code, demo_code, expected in (
                ("echo 3 passed, 0 failed, 2 skipped", 0, 0, ("4 passed, 0 failed, 2 skipped", 0)),
                ("echo 3 passed, 0 failed, 2 skipped", 0, 1, ("3 passed, 1 failed, 2 skipped", 1)),
                ("echo 7 passed, 4 failed, 0 skipped", 1, 0, ("8 passed, 4 failed, 0 skipped", 1)),
                ("echo nothing was built", 1, 0, ("1 passed, 1 failed, 0 skipped", 1))):
            script(self.folder / "tools" / "test.sh", f"{tests}\nexit {tests_code}\n")
            script(self.folder / "tools" / "quickstart.sh", f"exit {demo_code}\n")
            self.assertEqual(last_line([str(self.folder / ".ci" / "run")], self.folder), expected)


if __name__ == "__main__":
    unittest.main()
