"""Writes models/rgb/testdata/*.json: what the reference architectures compute in float64.

    python3 tools/parity/make_rgb_fixtures.py models/rgb/testdata

Weights, inputs and running statistics follow a formula that the test evaluates
as well (`value`), so the files hold results only: logits and loss in full, and of
every activation and gradient its L2 norm and its projection on a vector made by the
same formula, which any wrong or misplaced element changes.
"""

import json
import pathlib
import sys

import numpy
import torch
from torch.nn import functional

import reference_models

GOLDEN = 0x9E3779B97F4A7C15
CLASSES = 5
LABELS = [3, -1, 0]
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 1.5, 0.25]
SMOOTHING = 0.1


def value(key, shape):
    """Uniform in [-1, 1): SplitMix64's finaliser over FNV-1a of the key plus a counter."""
    state = 0xCBF29CE484222325
    for byte in key.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    count = int(numpy.prod(shape, dtype=numpy.int64))
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + numpy.uint64(GOLDEN) * numpy.arange(count, dtype=numpy.uint64)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    uniform = (z >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-52 - 1.0
    return torch.from_numpy(uniform).reshape(shape)


def randomise(model):
    """Every parameter and running statistic by the formula; zero- and one-initialised ones too."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key.endswith("num_batches_tracked"):
                continue
            v = value(key, tuple(tensor.shape))
            if tensor.dim() > 1:
                v = v * (3.0 / tensor[0].numel()) ** 0.5
            elif key.endswith("running_var"):
                v = 1.0 + 0.5 * v
            elif key.endswith("weight"):
                v = 1.0 + 0.3 * v
            else:
                v = 0.2 * v
            tensor.copy_(v)


def summary(name, tensor):
    tensor = tensor.detach().contiguous()
    return [tensor.norm().item(), (tensor * value("projection " + name, tuple(tensor.shape))).sum().item()]


def record(model, clips, stages, training):
    """stages: stage name of SlimReel -> submodule whose output is that stage's first slot."""
    randomise(model)
    model.train(training)
    activations = {}
    hooks = [module.register_forward_hook(
        lambda _, __, out, name=name: activations.__setitem__(name, summary(name, out.clone())))
        for name, module in stages.items()]
    logits = model(clips)
    loss = functional.cross_entropy(
        logits, torch.tensor(LABELS), weight=torch.tensor(CLASS_WEIGHTS, dtype=torch.float64),
        ignore_index=-1, label_smoothing=SMOOTHING)
    model.zero_grad()
    loss.backward()
    for hook in hooks:
        hook.remove()
    return {
        "logits": logits.flatten().tolist(),
        "loss": loss.item(),
        "activations": activations,
        "gradients": {key: summary(key, p.grad) for key, p in model.named_parameters()},
        "buffers_after": {key: summary(key, b.double()) for key, b in model.named_buffers()
                          if key in model.state_dict()},
    }


def r3d_case():
    model = reference_models.R3d(CLASSES, widths=(4, 6, 8, 10), blocks=(1, 2, 1, 1)).double()
    stages = {"stem": model.stem, "fc": model.fc}
    for layer in range(1, 5):
        for index, block in enumerate(getattr(model, f"layer{layer}")):
            stages[f"layer{layer}.{index}.conv1"] = block.conv1
            stages[f"layer{layer}.{index}.conv2"] = block
    return model, stages, [3, 3, 5, 40, 32]


def video_vit_case():
    model = reference_models.VideoMae(CLASSES, 4, 32, dim=24, heads=3, layers=2).double()
    stages = {f"layer.{i}.mlp": layer for i, layer in enumerate(model.videomae.encoder.layer)}
    stages["classifier"] = model.classifier
    return model, stages, [3, 3, 4, 32, 32]


def write(path, content):
    path.write_text(json.dumps(content, indent=0) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    for name, make in (("r3d", r3d_case), ("video_vit", video_vit_case)):
        case = {"input": make()[2], "labels": LABELS, "class_weights": CLASS_WEIGHTS, "label_smoothing": SMOOTHING}
        for mode in ("train", "eval"):
            model, stages, shape = make()
            case[mode] = record(model, value("input", tuple(shape)), stages, mode == "train")
        write(folder / f"{name}.json", case)
    for name in ("r3d_18", "video_vit_small"):
        model = reference_models.build(name, num_classes=400)
        write(folder / f"{name}_keys.json", {key: list(t.shape) for key, t in model.state_dict().items()})


if __name__ == "__main__":
    main()
