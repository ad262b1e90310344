"""Writes the tables of figures.json into the guides, between their markers.

    pages.py [--check]      --check changes nothing; exit status 1: a page is not up to date

A marker is a line `<!-- measured: NAME -->`; its block ends at `<!-- end -->`. The heads of ready configurations
hold one figure each, in their line `# Predicted peak on CARD`.
"""

import json
import pathlib
import re
import sys

import claims_page
import tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIGURES = pathlib.Path(__file__).with_name("figures.json")
GUIDES = ("memory_guide", "memory_quick_ref", "oom_troubleshooting")
PAGES = {**{f"docs/{name}.md": 0 for name in GUIDES}, **{f"docs/{name}.zh-CN.md": 1 for name in GUIDES},
         "docs/claims.md": 0}
BLOCK = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = re.compile(r"^(# Predicted peak on \w+: )[\d.]+ \w+( \(estimated)", re.MULTILINE)


NOT_YET = ("Not measured yet: `tools/measure_guides.sh {}`.", "尚未测量：`tools/measure_guides.sh {}`。")


def block(name, figures, language):
    try:
        return measured_block(name, figures, language)
    except KeyError as section:
        return NOT_YET[language].format(section.args[0])


def measured_block(name, figures, language):
    if name == "plan_page":
        return "```\n" + figures["plan_page"]["figures"]["page"] + "\n```"
    if name in claims_page.BLOCKS:
        return claims_page.BLOCKS[name](figures)
    return tables.markdown(name, figures, language)


def written(page, figures, language):
    """The text of `page` with its blocks made anew."""
    return BLOCK.sub(lambda match: match[1] + block(match[2], figures, language) + "\n" + match[3], page)


def config_head(text, peak_bytes):
    """The text of a configuration with the peak in its head."""
    peak = f"{peak_bytes / 2**30:.2f} GiB" if peak_bytes >= 1 << 30 else f"{peak_bytes / 2**20:.1f} MiB"
    return HEAD.sub(lambda match: match[1] + peak + match[2], text)


def new_texts(figures):
    """Yields (path, old text, new text) of every page and configuration that holds figures."""
    for name, language in PAGES.items():
        old = (ROOT / name).read_text(encoding="utf-8")
        yield ROOT / name, old, written(old, figures, language)
    for name in tables.TIERS:
        path = ROOT / f"configs/{name}.yaml"
        old = path.read_text(encoding="utf-8")
        peak = figures[name]["figures"]["card_peak_bytes"] if name in figures else None
        yield path, old, config_head(old, peak) if peak else old


def main(arguments):
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    stale = [(path, new) for path, old, new in new_texts(figures) if old != new]
    for path, new in stale:
        print(f"{path.relative_to(ROOT)} {'is not up to date' if '--check' in arguments else 'written'}")
        if "--check" not in arguments:
            path.write_text(new, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
