"""Runs of the built programs, and what their files say of memory and time."""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SLIMREEL_BIN", ROOT / "bazel-bin"))
MIB = 1 << 20


def environment():
    """One thread unless the caller says more: CPU time then counts no waiting for other threads."""
    return {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}


class Runs:
    """Runs `train` in scratch folders, which live as long as the object. Runs share their kept profiles."""

    def __init__(self):
        self._scratch = tempfile.TemporaryDirectory(prefix="slimreel_guides_")
        self.folder = pathlib.Path(self._scratch.name)
        self._count = 0
        self.cpu_seconds = 0.0  # of the last call

    def close(self):
        self._scratch.cleanup()

    def call(self, program, *arguments):
        """Runs a program. Returns the CompletedProcess."""
        cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(self.folder / "cache"))}
        before = children_cpu_seconds()
        result = subprocess.run([str(BIN / program), *arguments], text=True, capture_output=True, check=False,
                                env={**environment(), **cache})
        self.cpu_seconds = children_cpu_seconds() - before
        return result

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

    def compare(self, variants, steps=2):
        """Runs {name: overrides} one after another. Returns {name: row}; the first one is the base.

        `peak` and `activations` are bytes against the base. `time` is the CPU time of a step against the base: each
        variant runs once with `steps` more steps than another time, so planning and starting do not count.
        """
        long, seconds = {}, {}
        for name, overrides in variants.items():
            self.steps(*overrides, steps=1)
            short = self.cpu_seconds
            long[name] = self.steps(*overrides, steps=1 + steps)
            seconds[name] = self.cpu_seconds - short
        base = next(iter(variants))
        return {name: {**compared(long[base], summary), "time": seconds[name] / seconds[base]}
                for name, summary in long.items()}


def children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peak_of(summary):
    return summary["phases"]["train"]["peak_bytes"]


def activations_of(summary):
    return summary["phases"]["train"]["by_tag"]["activations"]


def compared(base, own):
    """What a summary says, against the base's summary."""
    return {"peak_bytes": peak_of(own), "by_tag": own["phases"]["train"]["by_tag"],
            "peak": peak_of(own) / peak_of(base), "activations": activations_of(own) / activations_of(base),
            "host_bytes": own["peak_bytes"]["host"], "oom_retries": own["oom_retries"], "steps": own["steps"]}
