"""The measurements behind the guides. Each function returns one section of figures.json."""

import functools
import json
import os
import re
import subprocess
import sys

import runs

VIT = ("model.name=video_vit_small", "model.num_classes=60", "data.num_frames=16", "data.img_size=112",
       "data.batch_size=4")
R3D = ("model.name=r3d_18", "model.num_classes=60", "data.num_frames=16", "data.img_size=56", "data.batch_size=4",
       "model.norm_group=1")
MEANS_OF = {"video_vit_small": VIT, "r3d_18": R3D}
ONE_BY_ONE = ("data.batch_size=1", "train.accumulate_grad_batches=4")
TIERS = ("tier_a_8gb", "tier_b_6gb", "tier_c_4gb", "medium", "memory_optimized")
TIER_STEPS = int(os.environ.get("SLIMREEL_TIER_STEPS", 20))
HEAD = re.compile(r"^(# Predicted peak on (\w+): )[\d.]+ \w+( \(estimated)", re.MULTILINE)
CARDS = ("gtx1650_4gb", "rtx3070_8gb", "rtx4070_12gb", "a100_40gb")
PREDICTED = ("r3d_nano", "video_vit_nano", "posec3d_nano", "rgbposeconv3d_nano", "whisper_nano")


def plan_page(measure):
    """The page of --plan_only for the quickstart's configuration, without the line about its own cost."""
    _, page = measure.plan("data.train=synthetic:256", "model.num_classes=4", config="quickstart")
    return {"page": re.sub(r"\n\nMeasuring the model's stages.*", "", page).strip()}


def means(measure):
    """Peak, activations and time of the exact means against the plain step, 4 samples a step."""
    variants = {"keep": (), "lean": ("memory.schedule=lean",), "checkpoint": ("memory.schedule=checkpoint",),
                "split": ONE_BY_ONE, "split_checkpoint": (*ONE_BY_ONE, "memory.schedule=checkpoint")}
    return {model: measure.compare({name: (*job, *own) for name, own in variants.items()})
            for model, job in MEANS_OF.items()}


def budgets(measure):
    """What the planner takes between the plain step's peak and the smallest budget: bytes and time."""
    rows = {}
    for model, job in MEANS_OF.items():
        top = measure.plan("data.train=synthetic:256", *job)[0]["predicted_peak_bytes"]
        bottom = measure.plan("data.train=synthetic:256", *job, f"memory.budget={top}")[0]["smallest_budget_bytes"]
        shares = {"plain": None, "half": (top + bottom) // 2, "smallest": bottom}
        rows[model] = measure.compare({name: job if budget is None else (*job, f"memory.budget={budget}")
                                       for name, budget in shares.items()})
        for name, budget in shares.items():
            rows[model][name]["budget_bytes"] = budget or top
    return rows


def changing(measure):
    """What changes the result, each against the same plain step."""
    variants = {"plain": (), "bf16": ("trainer.precision=bf16",), "fp16": ("trainer.precision=16",),
                "frames": ("data.num_frames=8",), "images": ("data.img_size=64",),
                "sgd": ("train.optimizer=sgd",)}
    return measure.compare({name: (*VIT, *own) for name, own in variants.items()})


def inference(measure):
    """Peaks of one run's training steps and of its evaluation, by evaluation batch."""
    rows = []
    for batch in (4, 1):
        run, _ = measure.train(*VIT, "data.train=synthetic:4", "data.val=synthetic:8", "train.max_steps=1",
                               f"data.eval_batch_size={batch}")
        summary = json.loads((run / "summary.json").read_text())
        rows.append({"eval_batch": batch, "loss": summary["metrics"]["loss"],
                     **{phase: summary["phases"][phase]["peak_bytes"] for phase in ("train", "evaluate")}})
    return rows


def release(measure):
    """Release and paging: peaks of a step at batch 1, every stage checkpointed."""
    del measure
    result = subprocess.run(
        [sys.executable, str(runs.ROOT / "trainer/benchmark/release_benchmark.py"), "--json", "--pairs=1"],
        text=True, capture_output=True, check=True, env=runs.environment())
    return [json.loads(line) for line in result.stdout.splitlines()]


def prediction(measure):
    """Errors of predicted peaks and times over drawn configurations of the nano models."""
    rows = []
    for model in PREDICTED:
        result = measure.call("trainer/benchmark/prediction", model, "--configs=8")
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        errors = sorted(abs(line["predicted_bytes"] / line["measured_bytes"] - 1) for line in lines)
        times = sorted(abs(line["predicted_ms"] / line["measured_ms"] - 1) for line in lines)
        rows.append({"model": model, "configs": len(lines), "median_error": errors[len(errors) // 2],
                     "worst_error": errors[-1], "time_error": times[len(times) // 2],
                     "below": sum(line["predicted_bytes"] < line["measured_bytes"] for line in lines)})
    return rows


def tier(measure, name):
    """A ready configuration with budgets: predicted for its card, and run here."""
    text = (runs.ROOT / f"configs/{name}.yaml").read_text()
    card = HEAD.search(text)[2]
    plan = measure.card_plan(card, "model.num_classes=2", config=name)
    summary = measure.steps("model.num_classes=2", steps=TIER_STEPS, config=name)
    return {"config": name, "card": card, "card_peak_bytes": plan["predicted_peak_bytes"],
            "card_budget_bytes": plan["ceiling"]["bytes"], "budget_bytes": summary["budget_bytes"],
            "host_budget_bytes": summary["loader"]["host_budget_bytes"], "micro_batch": summary["micro_batch_size"],
            "predicted_peak_bytes": summary["predicted_peak_bytes"], "device_bytes": summary["peak_bytes"]["device"],
            "host_bytes": summary["peak_bytes"]["host"], "loader_bytes": summary["loader"]["peak_bytes"],
            "steps": summary["steps"], "oom_retries": summary["oom_retries"],
            "steps_above_prediction": summary["steps_above_prediction"]}


def cards(measure):
    """The plain step of some jobs on cards of the table, and what the planner makes of it."""
    small = (*VIT, "data.batch_size=8")
    jobs = {"`video_vit_small`, 16 x 112 x 112": small,
            "`video_vit_small`, 16 x 224 x 224": (*small, "data.img_size=224"),
            "`video_vit_base`, 16 x 112 x 112": (*small, "model.name=video_vit_base"),
            "`whisper_small`": ("model.name=whisper_small", "data.batch_size=8")}
    rows = []
    for job, overrides in jobs.items():
        plain = measure.card_plan("h200_141gb", *overrides)
        fits = {card: measure.card_plan(card, *overrides) for card in CARDS}
        rows.append({"job": job, "plain_bytes": plain["predicted_peak_bytes"],
                     "smallest_budget_bytes": plain["smallest_budget_bytes"],
                     "cards": {card: plan and {"peak_bytes": plan["predicted_peak_bytes"],
                                               "micro_batch": plan["micro_batch"],
                                               "time": plan["predicted_step_ms"]} for card, plan in fits.items()}})
    return rows


SECTIONS = {function.__name__: function for function in (
    plan_page, means, budgets, changing, inference, release, prediction, cards)}
SECTIONS.update({name: functools.partial(tier, name=name) for name in TIERS})
