"""The train step against PyTorch eager: time, heap peak, resident set.

    train_step_benchmark.py [--json] [--pairs N] [--model NAME]

Both sides stay alive and step in turn, so that a change of the machine's speed affects both. The
median of the pairs' ratios is printed. A time ratio above 1 means that SlimReel is faster. A heap
or resident-set ratio below 1 means that it takes less memory. The same LD_PRELOAD counter reads
the heap peak on both sides, with this project's block reuse off.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "bazel-bin" / "trainer" / "benchmark"
CASES = {  # model: batch, frames, size, target of the time ratio
    "video_vit_small": (8, 16, 112, 1.1),
    "r3d_18": (8, 16, 56, 1.0),
}


class Server:
    """A process that steps on request over pipes."""

    def __init__(self, command, counter_file=None):
        env = dict(os.environ, OMP_NUM_THREADS="2")
        if counter_file:
            env["LD_PRELOAD"] = str(BIN / "libmalloc_counter.so")
            env["MALLOC_COUNTER_OUT"] = str(counter_file)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait()


def commands(model, batch, frames, size, reuse):
    shape = [model, str(batch), str(frames), str(size)]
    ours = [str(BIN / "step_server"), *shape, "reuse" if reuse else "plain"]
    eager = [sys.executable, str(pathlib.Path(__file__).with_name("eager_server.py")), *shape]
    return ours, eager


def timed(model, batch, frames, size, pairs):
    """Step times in pairs and the resident set of both sides, with reuse on."""
    servers = [Server(command) for command in commands(model, batch, frames, size, reuse=True)]
    for server in servers:  # warm-up: thread teams, kernels' caches, optimizer state
        server.ask("step")
        server.ask("step")
    times = [[server.ask("step")["ms"] for server in servers] for _ in range(pairs)]
    resident = [server.ask("peak")["peak_resident_bytes"] for server in servers]
    own = servers[0].ask("peak")
    for server in servers:
        server.quit()
    return times, resident, own


def heap_peaks(model, batch, frames, size):
    """Peak bytes of large heap blocks in one warm step, by the LD_PRELOAD counter, with reuse off."""
    peaks, own = [], None
    for command in commands(model, batch, frames, size, reuse=False):
        with tempfile.NamedTemporaryFile("r") as out:
            server = Server(command, out.name)
            server.ask("step")
            server.process.send_signal(signal.SIGUSR1)
            time.sleep(0.1)
            server.ask("step")
            if not peaks:
                own = server.ask("peak")["peak_live_bytes"]
            server.quit()
            peaks.append(int(pathlib.Path(out.name).read_text().split()[1]))
    return peaks, own


def measure(model, pairs):
    batch, frames, size, target = CASES[model]
    times, resident, own = timed(model, batch, frames, size, pairs)
    (ours, eager), counted = heap_peaks(model, batch, frames, size)
    return {
        "model": model, "input": f"{batch} x {frames} x {size} x {size}", "pairs": pairs,
        "time_ratio": statistics.median(b / a for a, b in times), "time_target": target,
        "step_ms": statistics.median(a for a, _ in times),
        "eager_step_ms": statistics.median(b for _, b in times),
        "heap_peak_bytes": ours, "eager_heap_peak_bytes": eager, "heap_ratio": ours / eager,
        "own_count_bytes": counted, "own_count_over_heap": counted / ours,
        "resident_ratio": resident[0] / resident[1],
        "reserved_bytes": own["peak_reserved_bytes"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--model", choices=CASES, action="append")
    arguments = parser.parse_args()
    for model in arguments.model or CASES:
        row = measure(model, arguments.pairs)
        if arguments.json:
            print(json.dumps(row), flush=True)
            continue
        print(f"{row['model']} {row['input']}: {row['time_ratio']:.3f}x eager's speed "
              f"(target {row['time_target']}; {row['step_ms']:.0f} against {row['eager_step_ms']:.0f} ms), "
              f"heap peak {row['heap_ratio']:.3f}x of eager's (target <= 1.0; own count "
              f"{row['own_count_over_heap']:.3f} of the counter's), "
              f"resident set {row['resident_ratio']:.3f}x of eager's (target <= 1.1)", flush=True)


if __name__ == "__main__":
    main()
