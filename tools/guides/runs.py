"""Runs of the built programs, and what their files say of memory and time."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SLIMREEL_BIN", ROOT / "bazel-bin"))
MIB = 1 << 20


def environment():
    return {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}


class Runs:
    """Runs `train` in scratch folders, which live as long as the object. Runs share their kept profiles."""

    def __init__(self):
        self._scratch = tempfile.TemporaryDirectory(prefix="slimreel_guides_")
        self.folder = pathlib.Path(self._scratch.name)
        self._count = 0

    def close(self):
        self._scratch.cleanup()

    def call(self, program, *arguments):
        """Runs a program. Returns the CompletedProcess."""
        cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(self.folder / "cache"))}
        return subprocess.run([str(BIN / program), *arguments], text=True, capture_output=True, check=False,
                              env={**environment(), **cache})

    def train(self, *overrides, config="config", accept=(0,)):
        """Returns (run folder, CompletedProcess). Raises if the exit code is not in `accept`."""
        self._count += 1
        run = self.folder / f"run{self._count}"
        result = self.call("trainer/train", f"--config={ROOT}/configs/{config}.yaml", f"--run={run}", *overrides)
        if result.returncode not in accept:
            raise RuntimeError(f"{config} {overrides}: exit {result.returncode}\n{result.stderr[-2000:]}")
        return run, result

    def steps(self, *overrides, steps=3, config="config"):
        """Trains on synthetic clips, or on what `overrides` name. Returns summary.json."""
        run, _ = self.train("data.train=synthetic:256", f"train.max_steps={steps}", "evaluation.strategy=no",
                            *overrides, config=config)
        shutil.rmtree(run / "checkpoints", ignore_errors=True)
        return json.loads((run / "summary.json").read_text())

    def plan(self, *overrides, config="config"):
        """The plan, nothing is trained. Returns (plan.json, page)."""
        run, result = self.train("--plan_only", *overrides, config=config)
        return json.loads((run / "plan.json").read_text()), result.stdout

    def card_plan(self, card, *overrides, config="config"):
        """The plan for a card that is not there. None: nothing fits."""
        run, result = self.train("--plan_only", f"--device_profile={card}", *overrides, config=config, accept=(0, 4))
        return json.loads((run / "plan.json").read_text()) if result.returncode == 0 else None

    def compare(self, variants, rounds=2, steps=2):
        """Runs {name: overrides} in turn, `rounds` times. Returns {name: row}; the first one is the base.

        `time` is the median over rounds of the step's time against the base in the same round. `peak` and
        `activations` are bytes against the base.
        """
        summaries = {name: [] for name in variants}
        for _ in range(rounds):
            for name, overrides in variants.items():
                summaries[name].append(self.steps(*overrides, steps=steps))
        base = summaries[next(iter(variants))]
        return {name: compared(base, own) for name, own in summaries.items()}


def peak_of(summary):
    return summary["phases"]["train"]["peak_bytes"]


def activations_of(summary):
    return summary["phases"]["train"]["by_tag"]["activations"]


def compared(base, own):
    return {
        "peak_bytes": peak_of(own[0]),
        "by_tag": own[0]["phases"]["train"]["by_tag"],
        "peak": peak_of(own[0]) / peak_of(base[0]),
        "activations": activations_of(own[0]) / activations_of(base[0]),
        "host_bytes": own[0]["peak_bytes"]["host"],
        "time": statistics.median(a["step_ms"] / b["step_ms"] for a, b in zip(own, base)),
        "oom_retries": sum(summary["oom_retries"] for summary in own),
        "steps": sum(summary["steps"] for summary in own),
    }
