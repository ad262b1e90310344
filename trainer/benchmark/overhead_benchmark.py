"""What counting, tagging and managing memory cost a step, and what planning costs.

    overhead_benchmark.py [--json] [--pairs N] [--model NAME ...]

Three processes step in turn: ATen's own allocator over a heap that keeps freed memory, this project's
allocator (it counts, tags and bounds), and the same with a memory manager around each step. The
results are medians of the pairs' ratios of the CPU time of all threads; 1 means that it costs
nothing, less than 1 that reuse saves more than counting costs. Planning time is that of the first
plan for a budget (it measures the stages) and of a second one, in steps of the model.
"""

import argparse
import json
import os
import statistics

from train_step_benchmark import BIN, Server

os.environ.setdefault("GOMP_SPINCOUNT", "1000")
MODELS = ("r3d_nano", "video_vit_nano", "posec3d_nano", "whisper_nano")
SHAPE = ("8", "8", "64", "400", "16")  # batch, frames, size, audio frames, tokens


def measure(model, pairs):
    servers = {name: Server([str(BIN / "plan_server"), model, *SHAPE, name]) for name in ("none", "reuse", "managed")}
    for _ in range(3):  # warm-up
        for server in servers.values():
            server.ask("step")
    steps = [{name: server.ask("step") for name, server in servers.items()} for _ in range(pairs)]

    def ratio(name, base):
        values = sorted(step[name]["cpu_ms"] / step[base]["cpu_ms"] for step in steps)
        return {"median": statistics.median(values), "quarters": [values[pairs // 4], values[3 * pairs // 4]]}

    row = {"model": model, "pairs": pairs, "step_cpu_ms": statistics.median(s["reuse"]["cpu_ms"] for s in steps),
           "tracker_and_tags": ratio("reuse", "none"), "manager": ratio("managed", "reuse"),
           "all": ratio("managed", "none")}
    row["same_bits"] = len({server.ask("digest")["digest"] for server in servers.values()}) == 1
    budget = servers["reuse"].ask("about")["natural_peak_bytes"]
    plans = [servers["reuse"].ask(f"plan all {budget - n}") for n in range(2)]
    row["planning_cpu_ms"] = [plan["planning_cpu_ms"] for plan in plans]
    row["planning_in_steps"] = [plan["planning_cpu_ms"] / row["step_cpu_ms"] for plan in plans]
    for server in servers.values():
        server.quit()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--model", choices=MODELS, action="append")
    arguments = parser.parse_args()
    for model in arguments.model or MODELS:
        row = measure(model, arguments.pairs)
        if arguments.json:
            print(json.dumps(row), flush=True)
            continue
        cost = {name: f"{row[name]['median']:.3f} ({row[name]['quarters'][0]:.3f} to {row[name]['quarters'][1]:.3f})"
                for name in ("tracker_and_tags", "manager", "all")}
        print(f"{model:16} CPU time x: tracker and tags {cost['tracker_and_tags']}, manager {cost['manager']}, both "
              f"{cost['all']} (target <= 1.01); planning {row['planning_in_steps'][0]:.1f} steps, again "
              f"{row['planning_in_steps'][1]:.1f}; {'same bits' if row['same_bits'] else 'OTHER BITS'}", flush=True)


if __name__ == "__main__":
    main()
