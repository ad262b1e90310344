"""Measures the figures of the guides and writes them into figures.json.

    measure.py [SECTION ...]      all sections, or the named ones; the other ones stay as they are
"""

import datetime
import json
import os
import pathlib
import sys

import claims
import guide_figures
import runs

FIGURES = pathlib.Path(__file__).with_name("figures.json")
SECTIONS = {**guide_figures.SECTIONS, **claims.SECTIONS}


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(), "avx512": "avx512f" in text,
            "threads": int(runs.environment()["OMP_NUM_THREADS"])}


def main(names):
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"unknown section {unknown[0]}; known: {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    measure = runs.Runs()
    for name in names or SECTIONS:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        section = SECTIONS[name](measure)
        figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        figures[name] = {"machine": machine(), "figures": section}
        FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n")
    measure.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
