"""Prints how many test cases of one `bazel test` passed, failed and were skipped: three numbers.

    count_tests.py BUILD_EVENTS.json

It reads the file that --build_event_json_file wrote. GoogleTest reports its cases itself. For
Python's unittest, it reads the summary at the end of the log. For a shell test, it reads lines such
as `numpy: passed` and `numpy: skipped (none here)`. If a log names no case, its target counts as
one case. A test that did not build, or that failed or timed out without a failed case, counts as
one failure.
"""

import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


def count_unittest(text):
    """(passed, failed, skipped) from the last summary of unittest. None if the log has no summary."""
    found = re.findall(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", text, re.MULTILINE)
    if not found:
        return None
    ran, words = found[-1]
    counts = {key: int(number) for key, number in re.findall(r"([a-z][a-z ]*)=(\d+)", words)}
    failed = sum(counts.get(key, 0) for key in ("failures", "errors", "unexpected successes"))
    skipped = counts.get("skipped", 0)
    return max(0, int(ran) - failed - skipped), failed, skipped


def count_lines(text):
    """(passed, failed, skipped) of a shell test's lines."""
    words = re.findall(r"^[\w.-]+: (passed|skipped)\b", text, re.MULTILINE)
    return words.count("passed"), 0, words.count("skipped")


def count_log(path):
    """(passed, failed, skipped) of one test.xml."""
    passed = failed = skipped = 0
    tree = ElementTree.parse(path).getroot()
    text = "\n".join(node.text or "" for node in tree.iter("system-out"))
    if text:  # Bazel's own log, for a test that does not write test.xml itself
        return count_unittest(text) or count_lines(text)
    for case in tree.iter("testcase"):
        if case.get("status") == "notrun":
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_result(result):
    """(passed, failed, skipped) of one testResult event."""
    counts = (0, 0, 0)
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml":
            path = pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path))
            try:
                counts = count_log(path)
            except (ElementTree.ParseError, OSError):
                pass
    if result["status"] == "PASSED":
        return counts if sum(counts) else (1, 0, 0)
    return counts if counts[1] else (counts[0], 1, counts[2])


def main():
    totals = [0, 0, 0]
    for line in open(sys.argv[1], encoding="utf-8"):
        event = json.loads(line)
        if "testResult" in event:
            totals = [a + b for a, b in zip(totals, count_result(event["testResult"]))]
        elif event.get("testSummary", {}).get("overallStatus") == "FAILED_TO_BUILD":
            totals[1] += 1
        elif "targetCompleted" in event.get("id", {}) and event.get("aborted"):
            totals[1] += 1
    print(*totals)


if __name__ == "__main__":
    main()
