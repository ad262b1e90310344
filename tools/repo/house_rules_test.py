"""Tests the rules of docs/style.md that a machine can check: file sizes, line lengths, pages of folders."""

import os
import pathlib
import re
import unittest

import named_files

ROOT = named_files.ROOT
MAX_HEADER_LINES = 150
MAX_SOURCE_LINES = 500
MAX_MARKDOWN_COLUMNS = 120
WITHOUT_PAGE = ("docs/examples", "third_party/bazel_stand_ins")


def files(*endings):
    """Paths, relative to the root, of the files of the repo whose names end with one of `endings`."""
    return [page.relative_to(ROOT) for page in named_files.pages(ROOT) if page.name.endswith(endings)]


def lines(path):
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def prose(path):
    """Yields (number, line) of a page. Skips code and tables, because they cannot wrap."""
    in_code = False
    for number, line in enumerate(lines(path), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not (in_code or line.startswith(("|", "    "))):
            yield number, line


class HouseRules(unittest.TestCase):

    def test_the_files_are_found(self):
        self.assertGreater(len(files(".h")), 150)
        self.assertGreater(len(files(".md")), 40)

    def test_headers_and_sources_stay_short(self):
        long = [f"{path}: {len(lines(path))} lines" for path in files(".h", ".cc")
                if len(lines(path)) > (MAX_HEADER_LINES if path.suffix == ".h" else MAX_SOURCE_LINES)]
        self.assertEqual(long, [])

    def test_lines_of_pages_fit_a_window(self):
        long = [f"{path}:{number}: {len(line)} characters" for path in files(".md")
                for number, line in prose(path) if len(line) > MAX_MARKDOWN_COLUMNS]
        self.assertEqual(long, [])

    def test_every_folder_with_targets_has_a_page(self):
        missing = [str(path.parent) for path in files("BUILD")
                   if not str(path).startswith(WITHOUT_PAGE)
                   and not os.path.exists(ROOT / path.parent / "README.md")]
        self.assertEqual(missing, [])

    def test_headers_do_not_say_who_calls_them(self):
        callers = re.compile(r"^// *(Who calls|Callers?:|Called by)")
        found = [f"{path}:{number}" for path in files(".h")
                 for number, line in enumerate(lines(path), 1) if callers.match(line)]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
