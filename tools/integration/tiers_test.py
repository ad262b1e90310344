"""The ready configurations with budgets: planned for their card, and run inside their budgets.

    tiers_test.py [--runs NAME,NAME] [--steps N]

Every configuration is planned for the card that its head names. Those of --runs are run on this
machine, N steps each.
"""

import argparse
import json
import os
import re
import sys
import unittest

import binaries
from binaries import must, scratch

CONFIGS = ("tier_a_8gb", "tier_b_6gb", "tier_c_4gb", "medium", "memory_optimized")
RUNS = ("medium", "memory_optimized")
STEPS = 2
HEAD = re.compile(r"^# Predicted peak on (\w+): ([\d.]+ \w+) \(estimated from tensor sizes\)\.$", re.MULTILINE)
UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
ROOT = binaries.RUNFILES / "configs"


def bytes_of(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def has_half_precision_units():
    """Whether the processor computes in bfloat16 and float16 by itself."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = file.read()
    return "avx512_bf16" in flags and "avx512_fp16" in flags


class TiersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        os.environ["XDG_CACHE_HOME"] = str(cls.folder / "cache")  # the tiers share their profiles

    def arguments(self, name, run, *overrides):
        return [f"--config={ROOT / name}.yaml", f"--run={self.folder / run}", *overrides]

    def read(self, run, file):
        return json.loads((self.folder / run / file).read_text())

    def plan_for_its_card(self, name):
        """Returns (card, bytes that the head states, plan.json)."""
        card, stated = HEAD.search((ROOT / f"{name}.yaml").read_text()).groups()
        run = f"{name}_plan"
        must("//trainer:train", *self.arguments(name, run, "model.num_classes=2"), "--plan_only",
             f"--device_profile={card}")
        return card, bytes_of(stated), self.read(run, "plan.json")

    def test_each_plan_fits_its_card_and_the_head_states_its_peak(self):
        for name in CONFIGS:
            with self.subTest(name=name):
                card, stated, plan = self.plan_for_its_card(name)
                self.assertEqual(plan["device_profile"], card)
                self.assertLessEqual(plan["predicted_peak_bytes"], plan["ceiling"]["bytes"])
                self.assertEqual(plan["ceiling"]["origin"], "memory.budget")
                self.assertAlmostEqual(stated / plan["predicted_peak_bytes"], 1, delta=0.02)

    def test_tiers_differ_in_nothing_but_budgets(self):
        bodies = [re.sub(r"(?m)^#.*\n|^memory:\n(  .*\n)+", "", (ROOT / f"{name}.yaml").read_text())
                  for name in CONFIGS if name.startswith("tier_")]
        self.assertIn("resnet50", bodies[0])
        self.assertEqual(len(set(bodies)), 1, "the three tiers promise equal results")

    def test_runs_stay_inside_both_budgets_without_a_retry(self):
        precision = [] if has_half_precision_units() else ["trainer.precision=32"]
        for name in RUNS:
            with self.subTest(name=name):
                must("//trainer:train", *self.arguments(
                    name, name, "data.train=synthetic:64", "model.num_classes=2",
                    f"train.max_steps={STEPS}", "evaluation.strategy=no", *precision))
                plan, summary = self.read(name, "plan.json"), self.read(name, "summary.json")
                budget, host_budget = summary["budget_bytes"], summary["loader"]["host_budget_bytes"]
                self.assertEqual(summary["steps"], STEPS)
                self.assertEqual(summary["oom_retries"], 0)
                self.assertEqual(summary["steps_above_prediction"], 0)
                self.assertLessEqual(plan["predicted_peak_bytes"], budget)
                self.assertLessEqual(summary["peak_bytes"]["device"], budget)
                self.assertLessEqual(summary["peak_bytes"]["reserved"], budget)
                self.assertLessEqual(summary["loader"]["peak_bytes"], host_budget)
                # On a CPU, the device's tensors are in the host's memory, too.
                self.assertLessEqual(summary["peak_bytes"]["host"], budget + host_budget)
                print(json.dumps({"config": name, "steps": STEPS, "budget_bytes": budget,
                                  "peak_bytes": summary["peak_bytes"], "schedule": summary["schedule"],
                                  "micro_batch_size": summary["micro_batch_size"],
                                  "step_ms": summary["step_ms"]}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", default=",".join(RUNS))
    parser.add_argument("--steps", type=int, default=STEPS)
    known, rest = parser.parse_known_args()
    RUNS, STEPS = tuple(known.runs.split(",")), known.steps
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main(argv=[sys.argv[0], *rest])
