"""Prints the end of tools/quickstart.sh: the results, and what to do next.

    quickstart_summary.py DIR SECONDS

Exit status 1: the accuracy on held-out clips is below 0.90, or the peak exceeds
the budget.
"""

import json
import pathlib
import sys

REQUIRED_TOP1 = 0.90


def mib(number):
    return f"{number / 2**20:.1f} MiB"


def main():
    folder = pathlib.Path(sys.argv[1])
    summary = json.loads((folder / "run" / "summary.json").read_text())
    metrics = json.loads((folder / "evaluation.json").read_text())["metrics"]
    peak, budget = summary["peak_bytes"]["device"], summary["budget_bytes"]
    splits = f"{summary['micro_batch_size']} x {summary['accumulate_grad_batches']}"
    print(f"""
Accuracy on held-out clips  {metrics['top1']:.3f}
Peak memory of the step     {mib(peak)} of a budget of {mib(budget)}
Effective batch             {summary['effective_batch_size']} ({splits}), {summary['steps']} steps
Time after the build        {sys.argv[2]} s
Run folder                  {folder / 'run'}

What to do next
  your own videos      bazel run //data:prepare -- --config configs/config.yaml --input FOLDER_PER_CLASS --output SHARDS
  train on them        bazel run //trainer:train -- --config configs/config.yaml --run RUN data.train=SHARDS model.name=r3d_18 memory.budget=2GiB
  every key            bazel run //trainer:train -- --help_config""")
    if metrics["top1"] < REQUIRED_TOP1:
        print(f"quickstart: the accuracy on held-out clips is below {REQUIRED_TOP1}", file=sys.stderr)
        return 1
    if budget and peak > budget:
        print("quickstart: the peak memory of the step exceeds the budget", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
