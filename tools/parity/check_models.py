"""Compares every tensor of whole SlimReel models with their references.

    bazel build //models/testing:dump_tensors
    $(tools/parity/setup_mmaction.sh) tools/parity/check_models.py [--models=NAME,...]

References: Hugging Face's classes, mmaction2's classes, and torchvision's architectures rebuilt in
plain PyTorch, at their published width. Models over 300 M parameters get two layers per side. All
weights and running statistics are random (formula.py) and go to SlimReel through a safetensors file.
The script runs float64 and float32, training (plain and lean) and evaluation. It compares the output
of each stage, logits, loss, every gradient, and every buffer after the pass.

The distance |x - r| (L2) of a tensor x from the reference's float64 tensor r must be within
  1e-10 |r| in float64, 1e-5 |r| in float32, or else
  3 times the distance of the reference's own float32 tensor (in float64: times 2^-29), or else
  for gradients one rounding unit of all gradients together (for a gradient that cancels to zero).
The second and third line exist because rounding can change which element ReLU and max-pooling take,
and because gradients may cancel. The output says how many tensors needed them. Exit status 1: a
tensor is farther away.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import safetensors
import safetensors.torch
import torch
from torch.nn import functional

import conv_models
import mmaction_models
import stage_taps
from check_hugging_face import whisper_config
from formula import inputs_of, randomise
from reference_run import published, record

SMOOTHING = 0.1
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
EPS = {"float64": 2.0**-53, "float32": 2.0**-24}
OWN_DISTANCES = 3.0


class Case:
    """request: what dump_tensors builds. make: the reference. loss: (model, inputs) -> (loss, last slots)."""

    def __init__(self, request, make, loss, taps, tokens=None):
        self.request = request | {"label_smoothing": SMOOTHING, "integer_inputs": [tokens] if tokens else []}
        self.make, self.loss, self.taps = make, loss, taps
        self.inputs = inputs_of(request["inputs"]) + ([torch.tensor(tokens)] if tokens else [])


def classification(name, shapes, make, taps, heads_of, **sizes):
    labels = [(3 * i + 1) % 5 for i in range(shapes[0][0])]

    def loss(model, inputs):
        heads = heads_of(model, inputs)
        return sum(functional.cross_entropy(h, torch.tensor(labels), label_smoothing=SMOOTHING) for h in heads), heads

    return Case({"model": name, "inputs": shapes, "labels": labels, "num_classes": 5} | sizes, make, loss, taps)


def conv_case(name, shapes, **sizes):
    build = mmaction_models.build if name in MMACTION else conv_models.build
    return classification(name, shapes, lambda: build(name, 5), stage_taps.conv_taps,
                          lambda model, inputs: model(*inputs), **sizes)


def video_case(name, make, taps, frames, size):
    return classification(name, [[2, 3, frames, size, size]], make, taps,
                          lambda model, inputs: [model(pixel_values=inputs[0].transpose(1, 2)).logits],
                          num_frames=frames, img_size=size)


def video_vit_case(name, dim, heads, layers=12):
    import transformers

    config = transformers.VideoMAEConfig(hidden_size=dim, num_attention_heads=heads, num_hidden_layers=layers,
                                         intermediate_size=4 * dim, image_size=64, num_frames=8, num_labels=5)
    return video_case(name, lambda: transformers.VideoMAEForVideoClassification(config), stage_taps.video_vit_taps, 8,
                      64)


def timesformer_case(name):
    import transformers

    config = transformers.TimesformerConfig(image_size=64, num_frames=4, num_labels=5)
    return video_case(name, lambda: transformers.TimesformerForVideoClassification(config),
                      stage_taps.timesformer_taps, 4, 64)


def whisper_case(name, dim, heads, encoder, decoder, mels, vocabulary, audio=1500, batch=1):
    import transformers

    labels = [[(7919 * (5 * b + i)) % 50000 for i in range(20 - 6 * b)] + [-100] * 6 * b for b in range(batch)]
    start, pad = 50258, 50257
    tokens = [[start] + [pad if label < 0 else label for label in row[:-1]] for row in labels]

    def make():
        return transformers.WhisperForConditionalGeneration(
            whisper_config(dim, heads, encoder, decoder, mels, vocabulary, max_source_positions=audio))

    def loss(model, inputs):
        states = []
        handle = model.model.decoder.layer_norm.register_forward_hook(lambda _, __, out: states.append(out))
        logits = model(input_features=inputs[0], decoder_input_ids=inputs[1]).logits
        handle.remove()
        value = functional.cross_entropy(logits.flatten(0, 1), torch.tensor(labels).flatten(), ignore_index=-100,
                                         label_smoothing=SMOOTHING)
        return value, [*states, logits]

    return Case({"model": name, "inputs": [[batch, mels, 2 * audio]], "labels": labels, "audio_positions": audio,
                 "encoder_layers": encoder, "decoder_layers": decoder}, make, loss, stage_taps.whisper_taps, tokens)


MMACTION = ("slowonly_r50", "posec3d", "posec3d_pose_only", "rgbposeconv3d")
CLIPS = [[2, 3, 4, 64, 64]]
CLIP_SIZES = {"num_frames": 4, "img_size": 64}
CASES = {
    **{name: (lambda name=name: conv_case(name, CLIPS, **CLIP_SIZES))
       for name in ("resnet18", "resnet50", "r3d_18", "mc3_18", "r2plus1d_18", "slowonly_r50")},
    "posec3d": lambda: conv_case("posec3d", [[2, 17, 8, 24, 24]], num_frames=8, heatmap_size=24),
    "posec3d_pose_only": lambda: conv_case("posec3d_pose_only", [[2, 17, 8, 24, 24]], num_frames=8, heatmap_size=24),
    "rgbposeconv3d": lambda: conv_case("rgbposeconv3d", [[2, 3, 2, 64, 64], [2, 17, 8, 16, 16]], num_frames=2,
                                       img_size=64),
    "video_vit_tiny": lambda: video_vit_case("video_vit_tiny", 192, 3),
    "video_vit_small": lambda: video_vit_case("video_vit_small", 384, 6),
    "video_vit_base": lambda: video_vit_case("video_vit_base", 768, 12),
    "timesformer_base": lambda: timesformer_case("timesformer_base"),
    "whisper_tiny": lambda: whisper_case("whisper_tiny", 384, 6, 4, 4, 80, 51865),
    "whisper_base": lambda: whisper_case("whisper_base", 512, 8, 6, 6, 80, 51865),
    "whisper_small": lambda: whisper_case("whisper_small", 768, 12, 12, 12, 80, 51865, audio=200, batch=2),
    "whisper_medium": lambda: whisper_case("whisper_medium", 1024, 16, 2, 2, 80, 51865, audio=200, batch=2),
    "whisper_large_v2": lambda: whisper_case("whisper_large_v2", 1280, 20, 2, 2, 80, 51865, audio=200, batch=2),
    "whisper_large_v3": lambda: whisper_case("whisper_large_v3", 1280, 20, 2, 2, 128, 51866, audio=200, batch=2),
    "whisper_turbo": lambda: whisper_case("whisper_turbo", 1280, 20, 2, 2, 128, 51866, audio=200, batch=2),
}


def save_weights(model, path):
    randomise(model)
    state = {published(key): t.contiguous() for key, t in model.state_dict().items() if key != "proj_out.weight"}
    safetensors.torch.save_file(state, path)


def reference(case, model, path, dtype, training):
    """Runs the reference once with the file's weights."""
    model.zero_grad(set_to_none=True)
    model.to(dtype)
    weights = safetensors.torch.load_file(path)
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key != "proj_out.weight":  # tied
                tensor.copy_(weights[published(key)])
    inputs = [x.to(dtype) if x.is_floating_point() else x for x in case.inputs]
    return record(model, inputs, case.loss, case.taps(model), training)


class Comparison:
    """Compares one run of SlimReel with the two runs of the reference."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.count = 0
        self.near = {}  # kind -> worst relative distance of the tensors within the tolerance
        self.beyond = 0  # number of tensors beyond the tolerance
        self.worst_beyond = (0.0, 0.0, "")  # the worst of them: ratio to own distance, relative distance, name
        self.wrong = []

    def tensor(self, kind, name, got, exact, own, floor):
        self.count += 1
        norm, distance = exact.norm().item(), (got.double() - exact).norm().item()
        own *= EPS[self.dtype] / EPS["float32"]
        if not distance <= max(TOLERANCE[self.dtype] * norm, OWN_DISTANCES * own, floor):
            self.wrong.append(f"{kind} {name}: distance {distance:.2e}, norm {norm:.2e}, own distance {own:.2e}")
        elif distance > TOLERANCE[self.dtype] * norm:
            self.beyond += 1
            ratio, relative = (distance / d if d else math.inf for d in (own, norm))
            self.worst_beyond = max(self.worst_beyond, (ratio, relative, f"{kind} {name}"))
        else:
            self.near[kind] = max(self.near.get(kind, 0.0), distance / norm if norm else 0.0)

    def line(self):
        worst = ", ".join(f"{kind} {distance:.1e}" for kind, distance in self.near.items())
        ratio, relative, name = self.worst_beyond
        beyond = f"; beyond {self.beyond}, at most {ratio:.1f}x the reference's own ({name}, {relative:.1e})"
        wrong = "".join(f"\n    WRONG {text}" for text in self.wrong)
        return f"{self.count} tensors; worst {worst}{beyond if self.beyond else ''}{wrong}"


def compare(request, path, exact, own_distances, embedding):
    comparison = Comparison(request["dtype"])
    floor = EPS[request["dtype"]] * math.sqrt(sum(t.norm().item()**2 for t in exact["gradients"].values()))
    with safetensors.safe_open(path, "pt") as dumped:
        expected = {f"{kind} {name}" for kind in exact for name in exact[kind]}
        names = set(dumped.keys())
        if embedding is not None:
            names.add("logits 1")  # computed below, because SlimReel's loss computes them in pieces
        for name in sorted(expected ^ names):
            comparison.wrong.append(f"{name}: only in {'SlimReel' if name in names else 'the reference'}")
        for name in sorted(expected & names):
            kind, key = name.split(" ", 1)
            if name == "logits 1" and embedding is not None:
                states = dumped.get_tensor("logits 0")
                got = functional.linear(states, embedding.to(states.dtype))
            else:
                got = dumped.get_tensor(name)
            comparison.tensor(kind, key, got, exact[kind][key].double(), own_distances[name],
                              floor if kind == "gradients" else 0.0)
    return comparison


def distances(exact, single):
    return {f"{kind} {name}": (single[kind][name].double() - tensor).norm().item()
            for kind, tensors in exact.items() for name, tensor in tensors.items()}


def check(name, dump, folder):
    """Prints a line per run. Returns True if every tensor is within the bounds."""
    case = CASES[name]()
    model = case.make()
    weights = folder / "weights"
    save_weights(model, weights)
    embedding = safetensors.torch.load_file(weights).get("model.decoder.embed_tokens.weight")
    good = True
    for mode in ("train", "eval"):
        single, exact = (reference(case, model, weights, dtype, mode == "train")
                         for dtype in (torch.float32, torch.float64))
        own_distances = distances(exact, single)
        del single
        for dtype in ("float64", "float32"):
            for lean in (False, True) if mode == "train" else (False,):
                request = case.request | {"mode": mode, "dtype": dtype, "lean": lean,
                                          "weights": str(weights), "output": str(folder / "output")}
                (folder / "request").write_text(json.dumps(request))
                subprocess.run([dump, folder / "request"], check=True)
                comparison = compare(request, folder / "output", exact, own_distances, embedding)
                print(f"{name} {dtype} {mode} {'lean' if lean else 'plain'}: {comparison.line()}", flush=True)
                good &= not comparison.wrong
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", default="bazel-bin/models/testing/dump_tensors", help="the binary that runs SlimReel's side")
    parser.add_argument("--models", default=",".join(CASES), help="comma-separated names (default: all)")
    arguments = parser.parse_args()
    good = True
    for name in arguments.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            good &= check(name, arguments.dump, pathlib.Path(folder))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
