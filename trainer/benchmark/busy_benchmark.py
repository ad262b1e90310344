"""The share of a busy machine that a train step keeps, and what that costs on an idle machine.

    busy_benchmark.py [--json] [--rounds N] [--steps N]

Two step_servers with the quickstart's network stay alive and step in turn. One starts as usual
(//base:spin_limit), the other with libgomp's default spin count. In each round both step on the
machine as it is, then beside twice as many busy processes as there are cores. A step's fair share
is what its threads get if all threads get the same. The share kept is the slowdown that the fair
share explains, divided by the measured slowdown. All numbers are medians over rounds.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

SERVER = pathlib.Path(__file__).resolve().parents[2] / "bazel-bin" / "trainer" / "benchmark" / "step_server"
CASE = ("r3d_nano", "8", "16", "64")
LIBGOMPS_SPIN_COUNT = "300000"  # its default if there are no more threads than cores
BUSY_SECONDS = 600  # a load that outlives this program ends by itself
BUSY = f"import time\nend = time.monotonic() + {BUSY_SECONDS}\nwhile time.monotonic() < end: pass"
CORES = len(os.sched_getaffinity(0))


class Server:
    """A process that steps on request over pipes."""

    def __init__(self, **variables):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
        environment.update(variables, OMP_NUM_THREADS=str(CORES))
        self.process = subprocess.Popen([SERVER, *CASE], env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["ms"]

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def busy_processes(count):
    """Runs `count` processes that only loop."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def steps(servers, count):
    """Median step time of each server and all times. The servers step in turn."""
    times = [[server.step() for server in servers] for _ in range(count)]
    return [statistics.median(column) for column in zip(*times)], times


def measure(rounds, count):
    busy = 2 * CORES
    fair = CORES / (CORES + busy)
    servers = [Server(), Server(GOMP_SPINCOUNT=LIBGOMPS_SPIN_COUNT)]
    steps(servers, 3)  # warm-up: thread teams, kernels' caches, optimizer state
    ratios, idle_ms, busy_ms, kept = [], [], [], []
    for _ in range(rounds):
        idle, times = steps(servers, 4 * count)
        ratios += [limited / unlimited for limited, unlimited in times]
        with busy_processes(busy):
            loaded, _ = steps(servers, count)
        idle_ms.append(idle)
        busy_ms.append(loaded)
        kept.append([a / b / fair for a, b in zip(idle, loaded)])
    for server in servers:
        server.quit()
    median = [statistics.median(column) for column in zip(*kept)]
    return {
        "input": " ".join(CASE), "cores": CORES, "busy_processes": busy, "rounds": rounds,
        "idle_time_ratio": statistics.median(ratios), "idle_time_ratio_target": 1.01,
        "idle_ms": statistics.median(row[0] for row in idle_ms), "busy_ms": statistics.median(row[0] for row in busy_ms),
        "kept_share": median[0], "kept_share_target": 0.7,
        "spinning_busy_ms": statistics.median(row[1] for row in busy_ms), "spinning_kept_share": median[1],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="steps of each server beside the busy processes")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.3 * CORES:
        print(f"busy_benchmark: the machine is not idle (load {load:.1f}), so the numbers are not reliable", file=sys.stderr)
    row = measure(arguments.rounds, arguments.steps)
    if arguments.json:
        print(json.dumps(row), flush=True)
        return
    print(f"idle machine: a step takes {row['idle_time_ratio']:.3f}x of one that spins without limit "
          f"(target <= 1.01; {row['idle_ms']:.0f} ms)")
    print(f"busy machine: beside {row['busy_processes']} busy processes on {row['cores']} cores a step keeps "
          f"{row['kept_share']:.2f} of its fair share (target >= 0.7; {row['busy_ms']:.0f} ms); spinning without limit "
          f"{row['spinning_kept_share']:.2f} ({row['spinning_busy_ms']:.0f} ms)", flush=True)


if __name__ == "__main__":
    main()
