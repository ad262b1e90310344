"""Time from the start of `train` to the end of its first step, on the demo set.

    start_benchmark.py [--json] [--runs N]

Prints the median over N new processes. The target is 2 s. Plain PyTorch in Python takes 4 s for the
same, most of it for imports.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "bazel-bin"


def first_step_seconds(shards, folder):
    """Seconds until metrics.jsonl has its first line."""
    start = time.monotonic()
    process = subprocess.Popen(
        [BIN / "trainer" / "train", f"--config={ROOT}/configs/quickstart.yaml", f"--run={folder}",
         f"data.train={shards}", "train.max_steps=1", "evaluation.strategy=no",
         "trainer.log_every_steps=1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metrics = pathlib.Path(folder) / "metrics.jsonl"
    while process.poll() is None and not (metrics.exists() and metrics.stat().st_size):
        time.sleep(0.005)
    taken = time.monotonic() - start
    process.wait()
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clips, shards = f"{scratch}/clips", f"{scratch}/shards"
        subprocess.run([BIN / "data" / "make_demo", f"--output={clips}", "--clips_per_class=8"],
                       check=True, capture_output=True)
        subprocess.run([BIN / "data" / "prepare", f"--config={ROOT}/configs/quickstart.yaml",
                        f"--input={clips}", f"--output={shards}"], check=True, capture_output=True)
        times = [first_step_seconds(shards, f"{scratch}/run{i}") for i in range(arguments.runs)]
    median = statistics.median(times)
    if arguments.json:
        print(json.dumps({"start_to_first_step_s": median, "runs": arguments.runs, "target_s": 2.0}))
    else:
        print(f"start to first step: {median:.2f} s, median of {arguments.runs} (target < 2 s)")


if __name__ == "__main__":
    main()
