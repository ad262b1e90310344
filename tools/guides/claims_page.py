"""The tables of docs/claims.md, made from figures.json. Verdicts follow from the figures by stated bounds."""

from tables import of, size, times

SHOWN, PARTLY, REFUTED = "shown", "in part", "refuted"
GB = 10**9


def gigabytes(count):
    return f"{count / GB:.1f} GB"


def saved(ratio):
    """A ratio of bytes as a change in per cent."""
    return f"{100 * (ratio - 1):+.0f} %"


def within(value, low, high):
    return low <= value <= high


def verdict(*holds):
    """All parts of a claim hold: shown; none: refuted."""
    return SHOWN if all(holds) else PARTLY if any(holds) else REFUTED


def half_precision(figures):
    rows = of(figures, "changing")
    card = of(figures, "claim_precision_card")
    on_card = card["16"]["peak_bytes"] / card["32"]["peak_bytes"]
    measured = (f"memory {saved(rows['fp16']['peak'])} (float16), {saved(rows['bf16']['peak'])} (bfloat16); speed "
                f"{times(1 / rows['fp16']['time'])}, {times(1 / rows['bf16']['time'])} on this CPU. rtx4090_24gb, "
                f"estimated: memory {saved(on_card)}")
    faster = max(1 / rows["fp16"]["time"], 1 / rows["bf16"]["time"])
    return measured, verdict(within(on_card, 0.4, 0.6), within(rows["fp16"]["peak"], 0.4, 0.6),
                             within(faster, 1.25, 1.55))


def split(figures):
    row = of(figures, "claim_split")["one_by_one"]
    return (f"activations {saved(row['activations'])}, peak {saved(row['peak'])}, time {times(row['time'])}",
            verdict(within(row["activations"], 0.2, 0.3)))


def keypoints(figures):
    found = of(figures, "claim_keypoints")
    ratio = found["slowonly_r50"]["peak_bytes"] / found["rgbposeconv3d"]["peak_bytes"]
    return (f"`rgbposeconv3d` -> `slowonly_r50`, a100_40gb, estimated: {saved(ratio)}",
            verdict(within(ratio, 0.85, 0.95)))


def checkpointing(figures):
    row = of(figures, "means")["video_vit_small"]["checkpoint"]
    return (f"peak {saved(row['peak'])}, activations {saved(row['activations'])}, time {times(row['time'])}",
            verdict(within(row["peak"], 0.5, 0.7)))


def all_together(figures):
    row = of(figures, "claim_all")["all"]
    base = of(figures, "claim_all")["plain"]
    host = row["host_bytes"] / base["host_bytes"]
    return (f"`video_vit_small`: {size(base['peak_bytes'])} -> {size(row['peak_bytes'])} ({saved(row['peak'])}); "
            f"resident set {saved(host)} (it holds the device's tensors, too); time {times(row['time'])} on this CPU",
            verdict(row["peak"] <= 0.19, host <= 0.65, row["time"] <= 1 / 1.25))


def three_tiers(figures):
    parts, holds = [], []
    for name, device_gb, host_gb in (("tier_a_8gb", 4, 10), ("tier_b_6gb", 3, 6), ("tier_c_4gb", 2, 4)):
        row = of(figures, name)
        parts.append(f"{name}: {gigabytes(row['card_peak_bytes'])} of the card (estimated), host "
                     f"{gigabytes(row['host_bytes'])} with the device's tensors (measured)")
        holds += [row["card_peak_bytes"] <= device_gb << 30, row["host_bytes"] <= host_gb << 30]
    return "; ".join(parts), verdict(*holds)


def deepfake(figures):
    found = of(figures, "claim_deepfake_card")
    peaks = {batch: found[batch]["peak_bytes"] / GB if found[batch] else None for batch in ("12", "10", "6")}
    parts = [f"batch {batch}: {peak:.1f} GB" if peak else f"batch {batch}: does not fit"
             for batch, peak in peaks.items()]
    holds = [peaks[batch] is not None and within(peaks[batch], 0.85 * quoted, 1.15 * quoted)
             for batch, quoted in (("12", 11), ("10", 9), ("6", 7))]
    return (f"the quoted job is not stated; `resnet18`, 16 x 224 x 224, rtx4070_12gb, estimated: {', '.join(parts)}",
            verdict(*holds))


def cleanup(figures):
    row = of(figures, "claim_cleanup")
    each = row["freed_bytes"] / max(1, row["cleanups"])
    return (f"{size(each)} a clean-up, of a peak of {size(row['peak_bytes'])}: blocks kept for reuse, which the next "
            "step takes again; no allocation fails for them, because they go back first",
            verdict(within(each, 0.9 * GB, 2.2 * GB)))


def rgbpose(figures):
    found = of(figures, "claim_rgbpose_card")
    parts = [f"batch {batch}: " + (gigabytes(found[batch]["peak_bytes"]) if found[batch] else "does not fit")
             for batch in ("20", "16")]
    rate = of(figures, "claim_epochs")["scaled_lr"]
    holds = [found["20"] is not None and within(found["20"]["peak_bytes"] / GB, 20, 25),
             found["16"] is not None and within(found["16"]["peak_bytes"] / GB, 16, 20), abs(rate - 0.008) < 1e-9]
    return (f"a100_40gb, estimated: {', '.join(parts)}; `train.lr=0.01 train.lr_reference_batch=20` at batch 16: rate "
            f"{rate:g}",
            verdict(*holds))


def whisper(figures):
    plain = of(figures, "claim_whisper_card")["plain"]
    tags = plain["by_tag"]
    quoted = {"parameters": 2.5, "gradients": 2.5, "optimizer": 5, "activations": 8}
    parts = [f"{tag} {gigabytes(tags[tag])}" for tag in quoted]
    holds = [within(tags[tag] / GB, 0.85 * value, 1.15 * value) for tag, value in quoted.items()]
    return (f"batch 1 x 16, float32, a100_40gb, estimated: {', '.join(parts)}, peak {gigabytes(plain['peak_bytes'])}: "
            "it fits",
            verdict(*holds))


def whisper_means(figures):
    found = of(figures, "claim_whisper_card")
    parts = [f"{name.replace('_', ' + ')} {gigabytes(row['peak_bytes'])}, activations "
             f"{gigabytes(row['by_tag']['activations'])}, time {times(row['time'] / found['plain']['time'])}"
             for name, row in found.items() if row]
    checkpoint = found["checkpoint"]
    return (f"a100_40gb, estimated: {'; '.join(parts)}",
            verdict(within(checkpoint["peak_bytes"] / GB, 11, 14),
                    within(checkpoint["time"] / found["plain"]["time"], 1.15, 1.35)))


def fifteen(figures):
    found = of(figures, "claim_all")
    keys = of(figures, "claim_keypoints")
    ratio = found["without_checkpoints"]["peak"]
    without = keys["slowonly_r50"]["peak_bytes"] / keys["rgbposeconv3d"]["peak_bytes"]
    return (f"precision and batch 1 x 8: {times(ratio)} of the peak; no keypoints: {times(without)} more (estimated)",
            verdict(ratio * without <= 0.2, within(ratio * without, 0.15, 0.3)))


def inputs(figures):
    found = of(figures, "claim_inputs")
    parts = [f"{label}: activations {saved(found[name]['activations'])}, peak {saved(found[name]['peak'])}, time "
             f"{times(found[name]['time'])}" for name, label in (("images", "224 -> 112"), ("frames", "16 -> 8"))]
    return "; ".join(parts), SHOWN


def phases(figures):
    row = of(figures, "inference")[0]
    ratio = row["evaluate"] / row["train"]
    return (f"the evaluation's peak is {times(ratio)} of the training step's at the same batch (quoted: about "
            f"{times(65 / 80)}); what share of a card a run uses is the budget's choice here",
            verdict(within(ratio, 60 / 85, 70 / 75)))


def first_step(figures):
    row = of(figures, "claim_epochs")
    equal = row["peak_after_first_step"] == row["peak_of_run"]
    which = "every step has the same peak" if equal else "later steps have a higher peak"
    return (f"peak after the first step {size(row['peak_after_first_step'])}, after three epochs "
            f"{size(row['peak_of_run'])}: {which}",
            REFUTED if equal else PARTLY)


def single_means(figures):
    precision = of(figures, "changing")["fp16"]
    accumulation = of(figures, "means")["video_vit_small"]["split"]
    return (f"precision {times(precision['peak'])}, time {times(precision['time'])}; accumulation "
            f"{times(accumulation['peak'])}, time {times(accumulation['time'])} (quoted: x 0.50 and x 0.29; CPU)",
            verdict(within(precision["peak"], 0.45, 0.55), within(accumulation["peak"], 0.25, 0.35),
                    within(accumulation["time"], 0.9, 1.1)))


def slower(figures):
    row = of(figures, "claim_epochs")
    return (f"`r3d_nano` on this CPU: time per sample {times(row['time_per_sample'])} (quoted: x 1.125)",
            verdict(within(row["time_per_sample"], 1.08, 1.17)))


def rgbpose_bytes(figures):
    row = of(figures, "claim_rgbpose_card")["20"] or of(figures, "claim_rgbpose_card")["16"]
    batch = 20 if of(figures, "claim_rgbpose_card")["20"] else 16
    tags = row["by_tag"]
    return (f"parameters {tags['parameters'] / 1e6:.0f} MB; inputs at batch {batch}: {tags['input'] / 1e6:.0f} MB "
            "(frames stay uint8, heatmaps are drawn in the step)", verdict(within(tags["parameters"] / GB, 2, 3)))


def loading(figures):
    row = of(figures, "claim_loading")
    held = row["parameters"] + row["optimizer"]
    return (f"`r3d_18`, resumed: peak before the first step {size(row['setup_bytes'])}; parameters and optimizer state "
            f"{size(held)}: {times(row['setup_bytes'] / held)}", REFUTED if row["setup_bytes"] < 1.5 * held else SHOWN)


CLAIMS = (
    ("float16 instead of float32: memory -50 %, speed +30 to +50 %", "changing claim_precision_card", half_precision),
    ("batch 4 -> 1 with accumulation 4: activation memory -75 %", "claim_split", split),
    ("leaving keypoints out: memory -10 %", "claim_keypoints", keypoints),
    ("gradient checkpointing on a transformer: memory -30 to -50 %", "means", checkpointing),
    ("all together on a video model: card 14 -> 2 GB, host 20 -> 12 GB (-86 %, -40 %) at 1.3x speed", "claim_all",
     all_together),
    ("three tiers use 4 + 10, 3 + 6 and 2 + 4 GB of card + host", "tier_a_8gb tier_b_6gb tier_c_4gb", three_tiers),
    ("12 GB card, deepfake detector: batch 12 about 11 GB, 10 about 9 GB, 6 about 7 GB", "claim_deepfake_card",
     deepfake),
    ("a clean-up frees 1 to 2 GB", "claim_cleanup", cleanup),
    ("RGBPoseConv3D, A100 40 GB: batch 20 takes 22.5 GB, 16 about 18 GB; rate 0.01 -> 0.008",
     "claim_rgbpose_card claim_epochs", rgbpose),
    ("Whisper large-v2: weights 2.5, gradients 2.5, optimizer 5, activations 8 GB: 18 GB, out of memory on 40 GB",
     "claim_whisper_card", whisper),
    ("Whisper large-v2, batch 1 x 16 with checkpointing: 12 GB (aggressive: 11, elsewhere 18-20 -> 12-14), time +20 to "
     "+30 %", "claim_whisper_card", whisper_means),
    ("precision, batch 1 x 8 and no keypoints: about 15 % of the original; 70 to 85 % saved",
     "claim_all claim_keypoints", fifteen),
    ("images 224 -> 112 and frames 16 -> 8 save memory (no figure is quoted)", "claim_inputs", inputs),
    ("training uses 75 to 85 % of the card, validation 60 to 70 %", "inference", phases),
    ("the peak comes at an epoch's start", "claim_epochs", first_step),
    ("from 14 GB: precision only 7 GB at 1.4x speed, accumulation only 4 GB at 1.0x", "changing means", single_means),
    ("batch 20 -> 16 makes an epoch 12.5 % slower", "claim_epochs", slower),
    ("RGBPoseConv3D's weights take 2.5 GB; its inputs at batch 20 take 96 + 86 MB", "claim_rgbpose_card",
     rgbpose_bytes),
    ("loading a checkpoint doubles memory unless told not to", "claim_loading", loading),
)


def claims(figures):
    lines = ["| quoted | here | verdict | sections |", "|---|---|---|---|"]
    for quoted, sections, check in CLAIMS:
        try:
            measured, result = check(figures)
        except KeyError as section:
            measured, result = f"not measured yet (`{section.args[0]}`)", "open"
        lines.append(f"| {quoted} | {measured} | {result} | `{sections}` |")
    return "\n".join(lines)


def stability(figures):
    lines = ["| configuration | plain step | budget | steps | peak | retries | steps above the prediction |",
             "|---|---|---|---|---|---|---|"]
    for row in of(figures, "claim_stability"):
        plain, budget, peak = (f"{row[name] / 2**20:.1f} MiB" for name in ("plain_bytes", "budget_bytes", "peak_bytes"))
        lines.append(f"| `{row['config']}` | {plain} | {budget} | {row['steps']} | {peak} | {row['oom_retries']} | "
                     f"{row['steps_above_prediction']} |")
    return "\n".join(lines)


BLOCKS = {"claims": claims, "stability": stability}
