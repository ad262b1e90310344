"""How far predicted peaks are from measured ones: ours, and MemTracker's for PyTorch's own steps.

    prediction_benchmark.py [--configs N] [--peer_configs N] [--seed S] [--model NAME ...] [--output FILE]

For each model, `prediction` draws N configurations (size, frames, batch, budget, precision,
optimizer), predicts the peak and then runs three steps under the budget. The peer builds the first
of the same configurations in plain PyTorch, without budget and split, and compares
torch.distributed._tools' MemTracker (on fake tensors, before the steps) with two steps that run.
An error is predicted / measured - 1. `below` is the share of steps that took more than predicted.
The nano models have no reference, so they have no peer. FILE gets one JSON line for each
configuration. The peer runs in a Python that tools/parity/setup.sh makes.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

from train_step_benchmark import BIN

MODELS = (  # all that fit in 24 GB at small sizes; whisper_medium up takes too long here
    "r3d_nano", "r3d_18", "mc3_18", "r2plus1d_18", "resnet18", "resnet50", "slowonly_r50",
    "video_vit_nano", "video_vit_tiny", "video_vit_small", "video_vit_base", "timesformer_base",
    "posec3d_nano", "posec3d", "posec3d_pose_only", "rgbposeconv3d_nano", "rgbposeconv3d",
    "whisper_nano", "whisper_tiny", "whisper_base", "whisper_small")
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "2"))


def ours(model, configs, seed):
    command = [str(BIN / "prediction"), model, f"--configs={configs}", f"--seed={seed}"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        print(f"prediction {model}: exit {done.returncode} after {len(rows)} configurations\n{done.stderr[-500:]}",
              file=sys.stderr)
    return rows


def add_peer(rows):
    """Adds `peer` to the rows: its own measured peak and what MemTracker said."""
    command = [sys.executable, str(pathlib.Path(__file__).with_name("eager_memory.py"))]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    environment = dict(ENVIRONMENT, OMP_WAIT_POLICY="passive")
    done = subprocess.run(command, env=environment, input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        print(f"the peer ended with {done.returncode}: {done.stderr[-500:]}", file=sys.stderr)
    for row, answer in zip(rows, answers):
        row["peer"] = answer


def percentile(values, share):
    """The smallest value that at least `share` of the values do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def distribution(pairs):
    """Of (predicted, measured): the errors in per cent."""
    errors = [100.0 * (predicted / measured - 1) for predicted, measured in pairs]
    sizes = [abs(error) for error in errors]
    return {"count": len(errors), "exact": sum(error == 0 for error in errors) / len(errors),
            "median": statistics.median(sizes), "p99": percentile(sizes, 0.99),
            "worst": max(errors, key=abs), "below": sum(error < 0 for error in errors) / len(errors)}


def line_of(name, pairs):
    if not pairs:
        return f"| {name} | 0 | - | - | - | - | - |"
    d = distribution(pairs)
    return (f"| {name} | {d['count']} | {d['exact']:.0%} | {d['median']:.2f} % | {d['p99']:.2f} % | "
            f"{d['worst']:+.2f} % | {d['below']:.0%} |")


def table(rows):
    """Markdown of all distributions."""
    peers = [(row, row["peer"]) for row in rows if "measured_bytes" in row.get("peer", {})]
    lines = ["| what | configurations | equal | median error | p99 | worst | below |", "|---|---|---|---|---|---|---|",
             line_of("peak bytes, SlimReel", [(row["predicted_bytes"], row["measured_bytes"]) for row in rows]),
             line_of("peak bytes, MemTracker of PyTorch's step",
                     [(peer["tracked_bytes"], peer["measured_bytes"]) for _, peer in peers]),
             line_of("peak bytes, SlimReel, only these",
                     [(row["predicted_bytes"], row["measured_bytes"]) for row, _ in peers]),
             line_of("step time, SlimReel", [(row["predicted_ms"], row["measured_ms"]) for row in rows])]
    lines += ["", "| model | configurations | SlimReel: median, worst | MemTracker: median, worst |", "|---|---|---|---|"]
    for model in dict.fromkeys(row["model"] for row in rows):
        own = distribution([(r["predicted_bytes"], r["measured_bytes"]) for r in rows if r["model"] == model])
        theirs = [(p["tracked_bytes"], p["measured_bytes"]) for r, p in peers if r["model"] == model]
        peer = distribution(theirs) if theirs else None
        text = f"{peer['median']:.2f} %, {peer['worst']:+.2f} % ({peer['count']})" if peer else "-"
        lines.append(f"| {model} | {own['count']} | {own['median']:.3f} %, {own['worst']:+.3f} % | {text} |")
    retries = sum(row["oom_retries"] for row in rows)
    lines += ["", f"Steps over their budget: {sum(r['measured_bytes'] > r['budget_bytes'] for r in rows)}; "
                  f"retries: {retries}; peers without an answer: {sum('error' in r.get('peer', {}) for r in rows)}."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--configs", type=int, default=10, help="of each model")
    parser.add_argument("--peer_configs", type=int, default=10, help="of each model, for the peer; 0: no peer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", choices=MODELS, action="append")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--table", type=pathlib.Path, help="only print the tables of such a FILE")
    arguments = parser.parse_args()
    if arguments.table:
        print(table([json.loads(line) for line in arguments.table.read_text().splitlines()]))
        return
    rows = []
    for model in arguments.model or MODELS:
        new = ours(model, arguments.configs, arguments.seed)
        if "nano" not in model and arguments.peer_configs > 0:
            add_peer(new[:arguments.peer_configs])
        rows += new
        print(f"{model}: {len(new)} configurations", file=sys.stderr, flush=True)
        if arguments.output:
            with arguments.output.open("a") as out:
                out.writelines(json.dumps(row) + "\n" for row in new)
    print(table(rows))


if __name__ == "__main__":
    main()
