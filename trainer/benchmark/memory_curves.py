"""Step time against memory budget: ours with all means, ours with checkpointing only, and PyTorch.

    memory_curves.py [--quick] [--pairs N] [--model NAME ...] [--compile BUDGET ...] [--output DIR]

Effective batch 8, AdamW, fp32, BatchNorm groups of one sample. The budgets go from the natural peak
(every stage kept, no split) to the smallest that has a plan. Each plan runs in a process of its
own, which steps in turn with our unplanned step; so do the peers: PyTorch eager as it is, with
every block checkpointed, with the batch in eight parts, with both, and torch.compile with an
activation_memory_budget. All have the same limit on OpenMP's spinning. Times are medians of the
pairs' ratios to our unplanned step, by the clock and by the CPU time of all threads; on a busy
machine only the latter says something (--clock cpu).

Peaks are sums of live tensor bytes: ours by the allocator, the peers' by torch.profiler's allocation
events. Activation memory is the peak less parameters, gradients and optimizer state, on both
sides; the batch is in neither. From outside, an LD_PRELOAD counter and the resident set are read.

The exit code is 1 if a step passed its budget, if either count from outside passed it by more than
the batch and 64 MiB of kernel libraries' buffers, or if two plans with one split gave other weights.
--quick takes small shapes and few points: it shows that the benchmark works, its ratios mean little.
torch.compile needs a C++ compiler and the packages of tools/parity/setup.sh, and takes a minute or two per point.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

import curve_report
from train_step_benchmark import BIN, Server

os.environ.setdefault("GOMP_SPINCOUNT", "1000")
RESERVES = 64 << 20  # oneDNN's and MKL's packed copies and scratch, thread stacks, code that is paged in
SHAPES = {  # model: batch, frames, size, audio frames, tokens; full and quick
    "r3d_18": ((8, 16, 112, 3000, 64), (8, 8, 32, 400, 16)),
    "video_vit_small": ((8, 16, 112, 3000, 64), (8, 8, 64, 400, 16)),
    "posec3d": ((8, 48, 112, 3000, 64), (8, 4, 32, 400, 16)),
    "whisper_tiny": ((8, 16, 112, 3000, 64), (8, 8, 32, 400, 16)),
}
SHARES = {True: (1, 2, 5), False: (1, 1.5, 2, 3, 5, 8)}  # how many times less activation memory
EAGER = {"eager": [], "eager, checkpointed": ["--checkpoint"], "eager, 1 x 8": ["--splits=8"],
         "eager, checkpointed, 1 x 8": ["--checkpoint", "--splits=8"]}


def plan_server(model, shape, reuse="reuse", counter_file=None):
    return Server([str(BIN / "plan_server"), model, *map(str, shape), reuse], counter_file)


def peer_server(model, shape, options):
    batch, frames, size, audio_frames, tokens = shape
    frames = tokens if model.startswith("whisper") else frames
    script = pathlib.Path(__file__).with_name("eager_server.py")
    return Server([sys.executable, str(script), model, str(batch), str(frames), str(size),
                   f"--audio_frames={audio_frames}", *options])


def plans_for(model, shape, quick):
    """What lives in the model's steps, and the plans of both curves: (budget, answer of `plan`)."""
    server = plan_server(model, shape)
    about = server.ask("about")
    lasting = sum(about[name] for name in ("parameter_bytes", "gradient_bytes", "optimizer_bytes"))
    activations = about["natural_peak_bytes"] - lasting
    curves = {}
    for means in ("all", "checkpointing"):
        smallest = server.ask(f"plan {means} 0")["smallest_budget_bytes"]
        budgets = [lasting + int(activations / share) for share in SHARES[quick]]
        budgets = [budget for budget in budgets if budget > smallest] + [smallest]
        curves[means] = [(budget, server.ask(f"plan {means} {budget}")) for budget in budgets]
    server.quit()
    return {**about, "lasting_bytes": lasting, "natural_activation_bytes": activations}, curves


def ratios(anchor, other, pairs):
    """Median ratios of interleaved steps, and the other side's last answer."""
    taken = [(anchor.ask("step"), other.ask("step")) for _ in range(pairs)]
    return {"time_ratio": statistics.median(theirs["ms"] / ours["ms"] for ours, theirs in taken),
            "cpu_ratio": statistics.median(theirs["cpu_ms"] / ours["cpu_ms"] for ours, theirs in taken),
            "step_ms": statistics.median(theirs["ms"] for _, theirs in taken)}, [theirs for _, theirs in taken]


def heap_peak(model, shape, use):
    """Bytes of large heap blocks at the peak of a warm step, by the LD_PRELOAD counter."""
    with tempfile.NamedTemporaryFile("r") as out:
        server = plan_server(model, shape, "plain", out.name)
        server.ask(use)
        server.ask("step")
        server.process.send_signal(signal.SIGUSR1)
        time.sleep(0.1)  # until the handler has run
        server.ask("step")
        server.quit()
        return int(pathlib.Path(out.name).read_text().split()[1])


def run_plan(model, shape, anchor, budget, plan, pairs):
    server = plan_server(model, shape)
    use = f"use {budget} {json.dumps(plan)}"
    server.ask(use)
    server.ask("step")  # warm-up
    row, steps = ratios(anchor, server, pairs)
    row.update(peak_bytes=max(step["peak_bytes"] for step in steps), oom_retries=sum(s["oom_retries"] for s in steps),
               resident_bytes=max(step["resident_bytes"] for step in steps),
               digest=server.ask("digest")["digest"], heap_bytes=heap_peak(model, shape, use))
    server.quit()
    return row


def run_peer(model, shape, anchor, options, pairs):
    server = peer_server(model, shape, options)
    server.ask("step")
    row, _ = ratios(anchor, server, pairs)
    growth = server.ask("growth")
    server.quit()
    return {**row, "peak_bytes": growth["lasting_bytes"] + growth["growth_bytes"],
            "activation_bytes": growth["growth_bytes"] - growth["gradient_bytes"]}


def batch_bytes(shape):
    batch, frames, size, audio_frames, _ = shape
    return batch * max(3 * frames * size * size, 4 * 80 * audio_frames)


def measure(model, arguments):
    shape = SHAPES[model][arguments.quick]
    about, curves = plans_for(model, shape, arguments.quick)
    result = {"model": model, "shape": shape, "pairs": arguments.pairs, **about, "points": [], "peers": []}
    anchor = plan_server(model, shape)
    anchor.ask("step")
    ran = {}  # several budgets may have one plan: it runs under the smallest of them
    for means, planned in curves.items():
        for budget, answer in reversed(planned):
            key = json.dumps(answer["plan"], sort_keys=True)
            if key not in ran:
                ran[key] = run_plan(model, shape, anchor, budget, answer["plan"], arguments.pairs)
            point = {"means": means, "budget_bytes": budget, "micro_batch": answer["plan"]["micro_batch"],
                     "described": answer["described"], "predicted_bytes": answer["predicted_bytes"],
                     "predicted_ms": answer["predicted_ms"],
                     "planning_ms": answer["planning_ms"], **ran[key]}
            point["activation_bytes"] = point["peak_bytes"] - about["lasting_bytes"]
            outside = max(point["heap_bytes"], point["resident_bytes"]) - batch_bytes(shape) - RESERVES
            point["within_budget"] = point["peak_bytes"] <= budget
            point["within_budget_from_outside"] = outside <= budget
            result["points"].append(point)
            progress(model, f"{means}, {budget >> 20} MiB", point)
    peers = dict(EAGER)
    peers.update({f"torch.compile, {budget:g}": [f"--compile={budget}"] for budget in arguments.compile})
    for name, options in peers.items():
        row = {"name": name, **run_peer(model, shape, anchor, options, arguments.pairs)}
        result["peers"].append(row)
        progress(model, name, row)
    anchor.quit()
    result["same_bits_per_split"] = same_bits(result["points"])
    return result


def same_bits(points):
    """Whether all plans of one micro-batch gave one digest; per micro-batch."""
    digests = {}
    for point in points:
        digests.setdefault(point["micro_batch"], set()).add(point["digest"])
    return {str(size): len(found) == 1 for size, found in digests.items()}


def progress(model, name, row):
    print(f"{model:16} {name:28} peak {row['peak_bytes'] / 2**20:7.0f} MiB, activations "
          f"{row['activation_bytes'] / 2**20:7.1f} MiB, time x {row['time_ratio']:.2f}, CPU x {row['cpu_ratio']:.2f}",
          file=sys.stderr, flush=True)


def passed(result):
    points = result["points"]
    return (all(point["within_budget"] and point["within_budget_from_outside"] for point in points)
            and all(result["same_bits_per_split"].values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pairs", type=int, help="default: 5; with --quick 1")
    parser.add_argument("--model", choices=SHAPES, action="append")
    parser.add_argument("--compile", type=float, nargs="*", default=[], help="budgets of torch.compile, 0..1")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="for the tables and the picture")
    parser.add_argument("--output", type=pathlib.Path, help="a folder for curves.json, curves.md, curves.svg")
    arguments = parser.parse_args()
    arguments.pairs = arguments.pairs or (1 if arguments.quick else 5)
    results = []
    for model in arguments.model or SHAPES:
        results.append(measure(model, arguments))
        if arguments.output:
            curve_report.write(arguments.output, results, arguments.clock)
    print(curve_report.markdown(results, arguments.clock))
    sys.exit(0 if all(passed(result) for result in results) else 1)


if __name__ == "__main__":
    main()
