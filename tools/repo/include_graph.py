#!/usr/bin/env python3
"""The folders of the repo and the includes between them.

  include_graph.py            prints every arrow, with the number of its includes, and every fault
  include_graph.py --faults   prints only the faults: arrows that point up, and circles

Exit status 1: there is a fault.

An arrow A -> B means that a file of folder A includes a header of folder B. FLOORS
below lists the floors. Tests and mains may use every floor, so they are not checked.
"""

import argparse
import collections
import os
import pathlib
import re
import sys

# A package may include itself and the packages listed here (docs/design.md, "Packages").
FLOORS = {
    "base": set(),
    "configs": {"base"},
    "memory": {"base", "configs"},
    "models": {"base", "configs", "memory"},
    "data": {"base", "configs"},
    "trainer": {"base", "configs", "memory", "models", "data"},
    "docs": {"base", "configs", "memory", "models"},  # docs/examples
}
ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def is_library(path):
    """Whether `path` is part of a library. Only libraries must keep to the floors."""
    return not (path.stem.endswith(("_test", "_main", "_benchmark")) or "testing" in path.parts)


def sources(root):
    for package in sorted(FLOORS):
        for folder, _, names in os.walk(root / package):
            for name in sorted(names):
                if name.endswith((".h", ".cc")):
                    yield (pathlib.Path(folder) / name).relative_to(root)


def arrows(root):
    """Returns {(folder, folder): [(file, included header)]}, with paths relative to `root`."""
    found = collections.defaultdict(list)
    for path in filter(is_library, sources(root)):
        for header in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
            target = os.path.dirname(header)
            if target.split("/")[0] in FLOORS and target != str(path.parent):
                found[str(path.parent), target].append((str(path), header))
    return dict(found)


def upward(graph):
    """The arrows that the floors forbid."""
    def allowed(source, target):
        own, other = source.split("/")[0], target.split("/")[0]
        return own == other or other in FLOORS[own]
    return {arrow: files for arrow, files in graph.items() if not allowed(*arrow)}


def circles(graph):
    """Returns each set of folders that reach each other, as a sorted list."""
    after = collections.defaultdict(set)
    for source, target in graph:
        after[source].add(target)

    def reached_from(start):
        seen, waiting = set(), [start]
        while waiting:
            for folder in after[waiting.pop()] - seen:
                seen.add(folder)
                waiting.append(folder)
        return seen

    reach = {folder: reached_from(folder) for folder in list(after)}
    found = {tuple(sorted(other for other in reach[folder] if folder in reach.get(other, ())))
             for folder in reach if folder in reach[folder]}
    return sorted(list(circle) for circle in found)


def faults(graph):
    """Returns one text per fault. An empty list means that there is no fault."""
    lines = []
    for (source, target), files in sorted(upward(graph).items()):
        for file, header in files:
            lines.append(f'{file} includes "{header}": {source} may not use {target}')
    for circle in circles(graph):
        inside = sorted(f'{file} includes "{header}"' for (source, target), files in graph.items()
                        if source in circle and target in circle for file, header in files)
        lines.append("a circle of folders: " + ", ".join(circle) + "\n  " + "\n  ".join(inside))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", action="store_true", help="print only what the floors forbid")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="the checkout")
    options = parser.parse_args()
    graph = arrows(options.root)
    if not options.faults:
        for (source, target), files in sorted(graph.items()):
            print(f"{source} -> {target} ({len(files)})")
    lines = faults(graph)
    print("\n".join(lines + [f"{len(graph)} arrows, {len(upward(graph))} upward, "
                             f"{len(circles(graph))} circles"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
