"""What release and paging save: peak tensor bytes of a step and its time against the plain step.

    release_benchmark.py [--json] [--pairs N] [--model NAME ...]

Every stage is checkpointed. Each means is a step_server of its own, which steps in turn with a plain
one. The weights of both must agree in every bit after the same number of steps. `peak` is the
highest sum of live tensor bytes in a warm step, as a share of the plain step's; `saved` is the rest.
A time ratio above 1 means that the means is slower. Bytes in the host pool are not device bytes.
"""

import argparse
import json
import statistics

from train_step_benchmark import BIN, Server

CASES = {  # model: batch, frames (for speech: tokens), size
    "video_vit_base": (1, 16, 112),
    "r3d_18": (1, 16, 112),
    "whisper_tiny": (1, 64, 0),
    "whisper_small": (1, 64, 0),
}
MEANS = ("release", "page", "release,page")


def server(model, means):
    batch, frames, size = CASES[model]
    return Server([str(BIN / "step_server"), model, str(batch), str(frames), str(size), "reuse", "checkpoint", means])


def measure(model, means, pairs):
    servers = [server(model, "plain"), server(model, means)]
    for one in servers:  # warm-up: thread teams, kernels' caches
        one.ask("step")
    times = [[one.ask("step")["ms"] for one in servers] for _ in range(pairs)]
    peaks = [one.ask("peak") for one in servers]
    digests = [one.ask("digest")["digest"] for one in servers]
    for one in servers:
        one.quit()
    plain, other = (peak["peak_live_bytes"] for peak in peaks)
    return {
        "model": model, "means": means, "plain_peak_bytes": plain, "peak_bytes": other, "peak_ratio": other / plain,
        "host_pool_bytes": peaks[1]["host_pool_bytes"],
        "time_ratio": statistics.median(ours / theirs for theirs, ours in times),
        "same_bits": digests[0] == digests[1],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--model", choices=CASES, action="append")
    arguments = parser.parse_args()
    for model in arguments.model or CASES:
        for means in MEANS:
            row = measure(model, means, arguments.pairs)
            if arguments.json:
                print(json.dumps(row), flush=True)
                continue
            mib = [row[name] / 2**20 for name in ("plain_peak_bytes", "peak_bytes", "host_pool_bytes")]
            print(f"{model:16} {means:13} peak {mib[0]:7.0f} -> {mib[1]:7.0f} MiB (x {row['peak_ratio']:.3f}), "
                  f"host {mib[2]:6.0f} MiB, time x {row['time_ratio']:.2f}, "
                  f"{'same bits' if row['same_bits'] else 'OTHER BITS'}", flush=True)


if __name__ == "__main__":
    main()
