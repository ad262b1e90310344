"""The measurements behind docs/claims.md. Each function returns one section of figures.json."""

import json

from guide_figures import ONE_BY_ONE, VIT
from runs import peak_of

RGBPOSE = ("model.name=rgbposeconv3d", "model.num_classes=60", "data.num_frames=8", "data.img_size=224",
           "model.norm_group=frozen", "memory.schedule=keep")
DEEPFAKE = ("model.name=resnet18", "model.num_classes=2", "data.num_frames=16", "data.img_size=224",
            "model.norm_group=frozen", "memory.schedule=keep")
LARGE = ("model.name=whisper_large_v2", "data.batch_size=1", "train.accumulate_grad_batches=16")
NANO = ("model.name=r3d_nano", "model.num_classes=4", "model.norm_group=1", "data.num_frames=8", "data.img_size=64")
STABLE = {  # the job and the number of steps
    "r3d_nano": (NANO, 200),
    "video_vit_nano": ((*NANO, "model.name=video_vit_nano"), 200),
    "whisper_nano": (("model.name=whisper_nano",), 20),
}


def brief(plan):
    """The figures of a plan.json that claims use; None stays None."""
    return plan and {"peak_bytes": plan["predicted_peak_bytes"], "by_tag": plan["bytes"],
                     "time": plan["predicted_step_ms"], "smallest_budget_bytes": plan["smallest_budget_bytes"],
                     "card_bytes": plan["ceiling"]["bytes"]}


def claim_split(measure):
    """Batch 4 at once, and one by one."""
    return measure.compare({"at_once": VIT, "one_by_one": (*VIT, *ONE_BY_ONE)})


def claim_all(measure):
    """Precision, batch 8 one by one and checkpointing together."""
    split = (*VIT, "data.batch_size=1", "train.accumulate_grad_batches=8", "trainer.precision=bf16")
    return measure.compare({"plain": (*VIT, "data.batch_size=8"), "without_checkpoints": split,
                            "all": (*split, "memory.schedule=checkpoint")})


def claim_inputs(measure):
    """Half the image's side, half the frames, at batch 2."""
    job = (*VIT, "data.batch_size=2")
    return measure.compare({"plain": (*job, "data.img_size=224"), "images": (*job, "data.img_size=112"),
                            "frames": (*job, "data.img_size=224", "data.num_frames=8")})


def claim_precision_card(measure):
    """Half precision on a card with fast half-precision products: bytes, and time by the roofline."""
    job = (*VIT, "data.batch_size=8", "data.img_size=224", "memory.schedule=keep")
    return {precision: brief(measure.card_plan("rtx4090_24gb", *job, f"trainer.precision={precision}"))
            for precision in ("32", "16")}


def claim_keypoints(measure):
    """RGB and pose together, and the RGB stream's network without keypoints."""
    job = ("model.num_classes=60", "data.num_frames=8", "data.img_size=112", "data.batch_size=4",
           "model.norm_group=frozen", "memory.schedule=keep")
    return {model: brief(measure.card_plan("a100_40gb", *job, f"model.name={model}"))
            for model in ("rgbposeconv3d", "slowonly_r50")}


def claim_deepfake_card(measure):
    """A per-frame detector at the quoted batches on the quoted card."""
    return {str(batch): brief(measure.card_plan("rtx4070_12gb", *DEEPFAKE, f"data.batch_size={batch}"))
            for batch in (12, 10, 6)}


def claim_rgbpose_card(measure):
    """RGBPoseConv3D at the quoted batches on one of the quoted cards."""
    return {str(batch): brief(measure.card_plan("a100_40gb", *RGBPOSE, f"data.batch_size={batch}"))
            for batch in (20, 16)}


def claim_whisper_card(measure):
    """Whisper large-v2, 16 samples a step, on the quoted card."""
    variants = {"plain": (), "bf16": ("trainer.precision=bf16",), "checkpoint": ("memory.schedule=checkpoint",),
                "bf16_checkpoint": ("trainer.precision=bf16", "memory.schedule=checkpoint")}
    return {name: brief(measure.card_plan("a100_40gb", *LARGE, *own)) for name, own in variants.items()}


def claim_cleanup(measure):
    """Bytes that a forced clean-up gives back after each step."""
    summary = measure.steps(*VIT, "memory.force_cleanup_every=1")
    manager = summary["memory_manager"]
    return {"steps": summary["steps"], "cleanups": manager["cleanups"], "freed_bytes": manager["freed_bytes"],
            "peak_bytes": peak_of(summary)}


def claim_epochs(measure):
    """Where a run's peak comes, what a smaller batch costs per sample, and how the rate is scaled."""
    job = (*NANO, "data.train=synthetic:40", "data.batch_size=8", "trainer.log_every_steps=1")
    run, _ = measure.train(*job, "train.max_epochs=3", "evaluation.strategy=no")
    peaks = [json.loads(line)["peak_bytes"] for line in (run / "memory.jsonl").read_text().splitlines()]
    times = measure.compare({"20": (*NANO, "data.batch_size=20"), "16": (*NANO, "data.batch_size=16")}, steps=20)
    run, _ = measure.train(*NANO, "data.train=synthetic:40", "data.batch_size=16", "train.lr=0.01", "train.max_steps=1",
                           "train.lr_reference_batch=20", "evaluation.strategy=no")
    rate = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])["lr"]
    return {"peak_after_first_step": peaks[0], "peak_of_run": peaks[-1], "lines": len(peaks),
            "time_per_sample": times["16"]["time"] * 20 / 16, "scaled_lr": rate}


def claim_loading(measure):
    """The peak before the first step of a run that resumes from a checkpoint, beside what it then holds."""
    job = ("model.name=r3d_18", "model.num_classes=60", "data.num_frames=8", "data.img_size=56", "data.batch_size=1",
           "model.norm_group=1", "data.train=synthetic:8", "evaluation.strategy=no")
    run, _ = measure.train(*job, "train.max_steps=1")
    measure.train(*job, "train.max_steps=2", f"--run={run}")
    summary = json.loads((run / "summary.json").read_text())
    held = summary["phases"]["train"]["by_tag"]
    return {"setup_bytes": summary["phases"]["setup"]["peak_bytes"], "parameters": held["parameters"],
            "optimizer": held["optimizer"]}


def claim_stability(measure):
    """Three configurations, each in the smallest budget that holds a plan."""
    rows = []
    for name, (job, steps) in STABLE.items():
        job = (*job, "data.train=synthetic:256", "data.batch_size=8")
        top = measure.plan(*job)[0]["predicted_peak_bytes"]
        bottom = measure.plan(*job, f"memory.budget={top}")[0]["smallest_budget_bytes"]
        summary = measure.steps(*job, f"memory.budget={bottom}", steps=steps)
        rows.append({"config": name, "plain_bytes": top, "budget_bytes": bottom, "steps": summary["steps"],
                     "peak_bytes": summary["peak_bytes"]["device"], "oom_retries": summary["oom_retries"],
                     "steps_above_prediction": summary["steps_above_prediction"]})
    return rows


SECTIONS = {function.__name__: function for function in (
    claim_split, claim_all, claim_inputs, claim_precision_card, claim_keypoints, claim_deepfake_card,
    claim_rgbpose_card, claim_whisper_card, claim_cleanup, claim_epochs, claim_loading, claim_stability)}
