#!/usr/bin/env python3
"""Writes compile_commands.json, so that clangd and other tools see each file as Bazel compiles it.

Asks `bazel aquery` for the compile actions of all targets and builds nothing. Run it again after
a BUILD file has changed. Paths below external/ become absolute, because the folder exists only in
Bazel's own tree.
"""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = (".c", ".cc", ".cpp")
# Flags that only make Bazel's builds reproducible, and that clang does not know.
UNKNOWN_TO_CLANG = ("-fno-canonical-system-headers", "-Wno-free-nonheap-object")


def bazel(*arguments):
    run = subprocess.run([os.path.join(ROOT, "tools", "bazel"), *arguments], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"bazel {arguments[0]} failed:\n{run.stderr.strip()}")
    return run.stdout


def absolute(argument, output_base):
    """`external/x`, also behind a flag as in -Iexternal/x, as a path that exists."""
    for prefix in ("", "-I", "-isystem", "-iquote"):
        if argument.startswith(prefix + "external/"):
            return prefix + os.path.join(output_base, argument[len(prefix):])
    return argument


def entry(action, output_base):
    """One compile action as an entry of the database; None if it compiles no source of the repo."""
    arguments = action["arguments"]
    source = arguments[arguments.index("-c") + 1] if "-c" in arguments else ""
    if not source.endswith(SOURCES) or source.startswith("external/"):
        return None
    kept = [absolute(a, output_base) for a in arguments if a not in UNKNOWN_TO_CLANG]
    return {"directory": ROOT, "file": source, "arguments": kept}


def main():
    actions = json.loads(bazel("aquery", 'mnemonic("CppCompile", //...)', "--output=jsonproto"))
    output_base = bazel("info", "output_base").strip()
    entries = {}
    for action in actions["actions"]:
        made = entry(action, output_base)
        if made:
            entries.setdefault(made["file"], made)
    path = os.path.join(ROOT, "compile_commands.json")
    with open(path + ".partial", "w", encoding="utf-8") as out:
        json.dump([entries[file] for file in sorted(entries)], out, indent=1)
        out.write("\n")
    os.replace(path + ".partial", path)
    print(f"{len(entries)} files in {path}")


if __name__ == "__main__":
    main()
