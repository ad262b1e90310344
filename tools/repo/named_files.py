#!/usr/bin/env python3
"""Finds names of files in pages and comments of the repo that do not exist.

It reads these names:
- relative links of Markdown;
- names in backticks that start with a folder of the repo (`trainer/loop/train_step` stands for its
  .h and .cc);
- the first column of a table with the heading `file`, relative to the page;
- names with an ending in comments of C++, Python and shell.

It prints one line per name of a file that does not exist. Exit status 1: it printed a line.
"""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = ("base", "configs", "data", "docs", "memory", "models", "tools", "third_party", "trainer")
ENDINGS = ("", ".h", ".cc", ".py", ".md", "_test.cc")
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:%s)/[\w./-]*)`" % "|".join(TOP))
# A table of a folder's files: its first column holds names such as `chunker` or `prepare.h`.
FILE_TABLE = re.compile(r"\| *files? *\|")
IN_CELL = re.compile(r"`([\w.-]+)`")
IN_COMMENT = re.compile(r"(?<![\w/.:-])((?:%s)/[\w/]+\.(?:h|cc|py|md|sh|yaml))\b" % "|".join(TOP))
COMMENT = re.compile(r"^\s*(?://|#(?!include))")


def pages(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(d for d in folders if not d.startswith((".", "bazel-"))
                            and d not in ("runs", "demo", "__pycache__"))
        for name in sorted(names):
            if name.endswith((".md", ".h", ".cc", ".py", ".sh", "BUILD")):
                yield pathlib.Path(folder) / name


def exists(path):
    return any(os.path.exists(str(path).rstrip("/") + ending) for ending in ENDINGS)


def names_in_markdown(text):
    """Yields (line, name, whether it is relative to the page) of each link and each named file."""
    in_file_table = False
    for number, line in enumerate(text.split("\n"), 1):
        in_file_table = line.startswith("|") and (in_file_table or bool(FILE_TABLE.match(line)))
        if in_file_table:
            for name in IN_CELL.findall(line.split("|")[1]):
                yield number, name, True
        for name in LINK.findall(line):
            if not re.match(r"[a-z]+:|#", name):
                yield number, name.split("#")[0], True
        for name in NAMED.findall(line):
            yield number, name, False


def names_in_comments(text):
    for number, line in enumerate(text.split("\n"), 1):
        if COMMENT.match(line):
            for name in IN_COMMENT.findall(line):
                yield number, name, False


def missing(root):
    """Returns `page:line: name` for each named file that does not exist."""
    found = []
    for page in pages(root):
        read = names_in_markdown if page.suffix == ".md" else names_in_comments
        for line, name, relative in read(page.read_text(encoding="utf-8")):
            if not exists((page.parent if relative else root) / name):
                found.append(f"{page.relative_to(root)}:{line}: {name}")
    return found


if __name__ == "__main__":
    LINES = missing(ROOT)
    print("\n".join(LINES))
    sys.exit(1 if LINES else 0)
