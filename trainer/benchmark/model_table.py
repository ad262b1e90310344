"""The cost of each model: parameters, FLOPs, activation bytes, step time against PyTorch eager.

    model_table.py [--json] [--pairs N] [--model NAME ...]

tools/model_table.sh builds what it needs and runs it. Activation bytes are the bytes per sample
that forward leaves live for backward, as the allocator counts them, with every stage kept, lean or
checkpointed. Step times are fp32 with AdamW, medians of interleaved pairs. A ratio above 1 means
that SlimReel is faster. GFLOPs are those of one sample's forward pass, for speech models with 448
tokens. The table leaves out the nano models, which have no published peer, and Whisper from medium
up, which has more than 300 M parameters.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

from train_step_benchmark import BIN, Server, commands

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = 60  # as in both servers
# model: (batch, frames, size, target of the time ratio). For speech, frames is the number of tokens.
CASES = {
    "resnet18": (4, 8, 112, 1.0),
    "resnet50": (4, 8, 112, 1.0),
    "r3d_18": (8, 16, 56, 1.0),
    "mc3_18": (8, 16, 56, 1.0),
    "r2plus1d_18": (4, 16, 56, 1.0),
    "slowonly_r50": (2, 8, 112, 1.0),
    "video_vit_tiny": (8, 16, 112, 1.0),
    "video_vit_small": (8, 16, 112, 1.1),
    "video_vit_base": (2, 16, 112, 1.0),
    "timesformer_base": (1, 8, 112, 1.0),
    "posec3d": (4, 48, 56, 1.8),
    "posec3d_pose_only": (4, 48, 56, 1.0),
    "rgbposeconv3d": (1, 8, 112, 1.0),
    "whisper_tiny": (2, 64, 0, 1.15),
    "whisper_base": (1, 64, 0, 1.0),
    "whisper_small": (1, 64, 0, 1.0),
}


def described(model, frames, size):
    """The model's description: parameters, and FLOPs of one sample's forward pass."""
    command = [str(ROOT / "bazel-bin" / "models" / "model"), "describe", f"--model={model}", "--batch=1", "--json"]
    if size:
        command += [f"--num_frames={frames}", f"--img_size={size}", f"--num_classes={CLASSES}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def saved_bytes(case, schedule):
    model, batch, frames, size = case
    server = Server([str(BIN / "step_server"), model, str(batch), str(frames), str(size), "reuse", schedule])
    server.ask("step")
    saved = server.ask("saved")["saved_bytes"]
    server.quit()
    return saved / batch


def step_times(case, pairs):
    servers = [Server(command) for command in commands(*case, reuse=True)]
    for server in servers:
        server.ask("step")
        server.ask("step")
    times = [[server.ask("step")["ms"] for server in servers] for _ in range(pairs)]
    for server in servers:
        server.quit()
    return times


def measure(model, pairs):
    batch, frames, size, target = CASES[model]
    case = (model, batch, frames, size)
    about = described(model, frames, size)
    times = step_times(case, pairs)
    return {
        "model": model, "batch": batch, "frames": frames, "size": size,
        "parameters": about["parameters"], "flops": about["flops"],
        **{f"saved_{name}": saved_bytes(case, name) for name in ("keep", "lean", "checkpoint")},
        "step_ms": statistics.median(ours for ours, _ in times),
        "time_ratio": statistics.median(eager / ours for ours, eager in times),
        "time_target": target,
    }


def print_row(row):
    mib = [f"{row['saved_' + name] / 2**20:8.1f}" for name in ("keep", "lean", "checkpoint")]
    shape = f"{row['batch']}x{row['frames']}x{row['size']}" if row["size"] else f"{row['batch']}x{row['frames']} tokens"
    met = "" if row["time_ratio"] >= row["time_target"] else "  missed"
    flops = f"{row['flops'] / 1e9:8.2f}"
    print(f"{row['model']:18} {row['parameters']:>12,} {flops} {shape:>14} {' '.join(mib)} "
          f"{row['step_ms']:8.0f} {row['time_ratio']:6.2f} (target {row['time_target']}){met}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--model", choices=CASES, action="append")
    arguments = parser.parse_args()
    if not arguments.json:
        print(f"{'model':18} {'parameters':>12} {'GFLOPs':>8} {'batch':>14} {'kept':>8} {'lean':>8} {'checkp.':>8} "
              f"{'step ms':>8}  times eager's speed   (MiB and GFLOPs of one sample)")
    for model in arguments.model or CASES:
        row = measure(model, arguments.pairs)
        if arguments.json:
            print(json.dumps(row), flush=True)
        else:
            print_row(row)


if __name__ == "__main__":
    main()
