"""The results of memory_curves.py as JSON, Markdown tables and one SVG picture.

    curve_report.py DIR [wall|cpu]     writes curves.md and curves.svg again from DIR/curves.json
"""

import json
import math
import pathlib
import sys

RATIO = {"wall": "time_ratio", "cpu": "cpu_ratio"}
NAMES = {"all": "all means", "checkpointing": "checkpointing only"}
TARGETS = ((2, 1.05), (5, 1.12))  # times less activation memory, at most so much time
COLOURS = {"all": "#1b6e3c", "checkpointing": "#1f5fa8", "eager": "#b3412e", "torch.compile": "#8a5a00"}
PANEL = (420, 300)
MARGIN = (56, 34, 16, 44)  # left, top, right, bottom


def mib(value):
    return f"{value / 2**20:.0f}"


def claims(result, clock):
    """What the curves say about the targets and the peers, as sentences."""
    ratio, natural = RATIO[clock], result["natural_activation_bytes"]
    lines = []
    points = [point for point in result["points"] if point["means"] == "all"]
    for times, limit in TARGETS:
        fitting = [natural / max(point["activation_bytes"], 1) for point in points if point[ratio] <= limit]
        best = max(fitting, default=1.0)
        lines.append(f"All means at <= +{limit - 1:.0%}: {best:.1f} times less activation memory "
                     f"(target {times}{'' if best >= times else ', missed'}).")
    own = [point for point in result["points"] if point["means"] == "checkpointing"]
    for peer in result["peers"]:
        if peer["name"] != "eager, checkpointed" and not peer["name"].startswith("torch.compile"):
            continue
        as_fast = [point["peak_bytes"] for point in own if point[ratio] <= peer[ratio]]
        best = min(as_fast, default=None)
        below = best is not None and best < peer["peak_bytes"]
        said = "has no point as fast" if best is None else f"peaks at {mib(best)} MiB"
        lines.append(f"{peer['name']} ({mib(peer['peak_bytes'])} MiB, x {peer[ratio]:.2f}): checkpointing only "
                     f"{said}{'' if below else ', missed'}.")
    return lines


def table(result, clock):
    natural = result["natural_activation_bytes"]
    lines = [f"### `{result['model']}`, batch, frames, size, audio frames, tokens: {result['shape']}", "",
             "| what | budget MiB | peak MiB | activation memory MiB | times less | time | CPU time | plan |",
             "|---|---|---|---|---|---|---|---|"]
    for row in result["points"] + result["peers"]:
        name = NAMES.get(row.get("means"), row.get("name"))
        less = natural / max(row["activation_bytes"], 1)
        lines.append(f"| {name} | {mib(row['budget_bytes']) if 'budget_bytes' in row else '-'} | "
                     f"{mib(row['peak_bytes'])} | {mib(row['activation_bytes'])} | {less:.1f} | "
                     f"x {row['time_ratio']:.2f} | x {row['cpu_ratio']:.2f} | {row.get('described', '-')} |")
    checks = [f"steps over their budget: {sum(not point['within_budget'] for point in result['points'])}",
              f"from outside: {sum(not point['within_budget_from_outside'] for point in result['points'])}",
              f"same bits per micro-batch: {result['same_bits_per_split']}"]
    return "\n".join([*lines, "", *(f"- {line}" for line in claims(result, clock)), f"- Checks: {'; '.join(checks)}."])


def markdown(results, clock):
    return "\n\n".join(table(result, clock) for result in results) + "\n"


def panel(result, clock, left, top):
    """One model: x is time as a ratio, y the share of the natural activation memory (logarithmic)."""
    ratio, natural = RATIO[clock], result["natural_activation_bytes"]
    rows = result["points"] + result["peers"]
    x_low = min(0.9, min(row[ratio] for row in rows))
    x_high = max(1.2, max(row[ratio] for row in rows)) * 1.03
    share = {id(row): max(row["activation_bytes"], natural / 1000) / natural for row in rows}
    y_low, y_high = min(0.1, min(share.values())), max(1.0, max(share.values())) * 1.15
    width, height = PANEL[0] - MARGIN[0] - MARGIN[2], PANEL[1] - MARGIN[1] - MARGIN[3]

    def x_of(value):
        return left + MARGIN[0] + width * (value - x_low) / (x_high - x_low)

    def y_of(value):
        return top + MARGIN[1] + height * math.log(y_high / value) / math.log(y_high / y_low)

    def text(x, y, words, anchor="middle", size=11):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'

    parts = [text(left + PANEL[0] / 2, top + 20, result["model"], size=14),
             f'<rect x="{left + MARGIN[0]}" y="{top + MARGIN[1]}" width="{width}" height="{height}" fill="none" '
             'stroke="#888"/>',
             text(left + PANEL[0] / 2, top + PANEL[1] - 8, f"step time ({clock}), 1 = our unplanned step")]
    for less in (1, 2, 5, 10, 20):
        if y_low <= 1 / less <= y_high:
            y = y_of(1 / less)
            parts.append(f'<line x1="{left + MARGIN[0]}" x2="{left + MARGIN[0] + width}" y1="{y:.1f}" y2="{y:.1f}" '
                         'stroke="#ddd"/>' + text(left + MARGIN[0] - 5, y + 4, f"1/{less}", "end"))
    step = 0.1 if x_high - x_low < 1 else (x_high - x_low) // 5 + 0.5
    for n in range(int(x_low / step) + 1, int(x_high / step) + 1):
        parts.append(text(x_of(n * step), top + PANEL[1] - 26, f"{n * step:.1f}"))
    for means in NAMES:
        own = sorted((row for row in result["points"] if row["means"] == means), key=lambda row: row["budget_bytes"])
        line = " ".join(f"{x_of(row[ratio]):.1f},{y_of(share[id(row)]):.1f}" for row in own)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[means]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_of(row[ratio]):.1f}" cy="{y_of(share[id(row)]):.1f}" r="3.5" '
                  f'fill="{COLOURS[means]}"/>' for row in own]
    for row in result["peers"]:
        x, y, colour = x_of(row[ratio]), y_of(share[id(row)]), COLOURS[row["name"].split(",")[0]]
        at_right = x > left + 0.6 * PANEL[0]
        parts.append(f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
                     + text(x + (-7 if at_right else 7), y + 4, row["name"], "end" if at_right else "start", 9))
    return "\n".join(parts)


def picture(results, clock):
    columns, rows = min(2, len(results)), (len(results) + 1) // 2
    width, height = columns * PANEL[0], rows * PANEL[1] + 30
    panels = [panel(result, clock, n % 2 * PANEL[0], n // 2 * PANEL[1]) for n, result in enumerate(results)]
    legend = [f'<rect x="{20 + 190 * n}" y="{height - 20}" width="12" height="12" fill="{COLOURS[means]}"/>'
              f'<text x="{38 + 190 * n}" y="{height - 10}" font-size="12">SlimReel, {name}</text>'
              for n, (means, name) in enumerate(NAMES.items())]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif"><title>Activation memory as a share of the unplanned '
            f'step, against step time</title><rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(panels + legend) + "\n</svg>\n")


def write(folder, results, clock):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curves.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "curves.md").write_text(markdown(results, clock))
    (folder / "curves.svg").write_text(picture(results, clock))


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[1])
    write(directory, json.loads((directory / "curves.json").read_text()), sys.argv[2] if len(sys.argv) > 2 else "wall")
