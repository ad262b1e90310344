"""Writes models/{rgb,pose,rgbpose}/testdata/*.json: what the reference networks compute in float64.

    python3 tools/parity/make_conv_fixtures.py models [MMACTION2]

Weights, inputs and running statistics follow a formula that the tests evaluate as well, so the
files hold results only; see models/testing/README.md. With MMACTION2, the path of the unpacked
`mmaction` folder of its PyPI wheel, models/pose/testdata/heatmaps.json is made too, by running the
class GeneratePoseTarget of its source.
"""

import ast
import json
import pathlib
import sys

import numpy
import torch
from torch.nn import functional

import conv_models
from formula import CLASS_WEIGHTS, CLASSES, LABELS, SMOOTHING, randomise, summary, value

LR, MOMENTUM = 0.02, 0.9
FULL_SIZE = {"r3d_18": 400, "mc3_18": 400, "r2plus1d_18": 400, "resnet18": 1000, "resnet50": 1000,
             "slowonly_r50": 60, "posec3d": 60, "rgbposeconv3d": 60}


def loss_of(heads):
    return sum(functional.cross_entropy(
        logits, torch.tensor(LABELS), weight=torch.tensor(CLASS_WEIGHTS, dtype=torch.float64), ignore_index=-1,
        label_smoothing=SMOOTHING) for logits in heads)


def hook_stages(model, activations, slot_of):
    """Records the output of each convolution that ends a stage of SlimReel: [norm, projection, slot]."""
    handles = []
    for name, module in model.named_modules():
        stage = stage_of(name, module)
        if stage is not None:
            handles.append(module.register_forward_hook(
                lambda _, __, out, stage=stage: activations.__setitem__(
                    stage, summary(stage, out.clone()) + [slot_of(stage)])))
    return handles


def stage_of(name, module):
    """SlimReel's name of the stage that a reference's convolution ends; None where it ends none."""
    convolution = isinstance(module, (torch.nn.Conv3d, torch.nn.Conv2d))
    if not convolution or "downsample" in name or "lateral" in name:
        return None
    if name.startswith("stem"):
        spatial = name == "stem.0" and module.kernel_size[0] == 1
        return "stem.spatial" if spatial else "stem"
    name = name.removeprefix("backbone.").removesuffix(".conv")
    name = name.replace("rgb_path.", "rgb.").replace("pose_path.", "pose.")
    for ending, replacement in ((".0.0", ".spatial"), (".0.3", ""), (".0", "")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name


def record(make, inputs, training, slot_of):
    model = make()
    randomise(model)
    model.train(training)
    activations = {}
    handles = hook_stages(model, activations, slot_of)
    heads = model(*inputs)
    for handle in handles:
        handle.remove()
    loss = loss_of(heads)
    loss.backward()
    result = {
        "logits": [logits.flatten().tolist() for logits in heads],
        "loss": loss.item(),
        "activations": activations,
        "gradients": {key: summary(key, p.grad) for key, p in model.named_parameters()},
        "buffers_after": {key: summary(key, b.double()) for key, b in model.named_buffers()},
    }
    if training:
        result |= three_steps(model, inputs, loss.item())
    return result


def three_steps(model, inputs, first_loss):
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    losses = [first_loss]
    optimizer.step()
    for _ in range(2):
        optimizer.zero_grad()
        loss = loss_of(model(*inputs))
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return {"losses": losses, "weights": {key: summary(key, p) for key, p in model.named_parameters()}}


def write_case(path, make, shapes, slot_of=lambda stage: 0):
    case = {"inputs": shapes, "labels": LABELS, "class_weights": CLASS_WEIGHTS, "label_smoothing": SMOOTHING}
    inputs = [value("input" + (f" {i}" if i else ""), tuple(shape)) for i, shape in enumerate(shapes)]
    for mode in ("train", "eval"):
        case[mode] = record(lambda: make().double(), inputs, mode == "train", slot_of)
    write(path, case)


def write(path, content):
    path.write_text(json.dumps(content, indent=0) + "\n")


def heatmap_cases(mmaction):
    """Random joints, some outside of the image or faint, drawn by mmaction2's own class."""
    source = (mmaction / "datasets/transforms/pose_transforms.py").read_text()
    tree = ast.parse(source)
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "GeneratePoseTarget")
    node.decorator_list, node.bases = [], []
    names = {"np": numpy, "Dict": dict, "List": list, "Tuple": tuple, "Union": object, "Optional": object}
    exec(compile(ast.Module([node], []), "pose_transforms", "exec"), names)
    cases = []
    random = numpy.random.default_rng(5)
    for height, width, sigma in ((12, 16, 0.6), (16, 16, 0.7), (9, 20, 1.5)):
        persons, frames, joints = 3, 2, 4
        points = random.uniform(-4, 22, (persons, frames, joints, 2)).astype(numpy.float32)
        points[0, 0] = numpy.round(points[0, 0] * 2) / 2
        scores = random.uniform(0, 1, (persons, frames, joints)).astype(numpy.float32)
        scores[1, :, 1] = (0.0, 9e-5)
        scores[2, 0, 2] = 1.1e-4
        drawn = names["GeneratePoseTarget"](sigma=sigma).gen_an_aug(
            {"keypoint": points, "keypoint_score": scores, "img_shape": (height, width)})
        flat = drawn.transpose(1, 0, 2, 3).ravel()  # [V, T, H, W]
        cases.append({"height": height, "width": width, "sigma": sigma, "sizes": [1, persons, frames, joints, 3],
                      "keypoints": numpy.concatenate([points, scores[..., None]], -1).ravel().tolist(),
                      "values": [[int(i), float(flat[i])] for i in flat.nonzero()[0]]})
    return {"cases": cases}


def main():
    models = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    rgb, pose, both = (models / family / "testdata" for family in ("rgb", "pose", "rgbpose"))
    for folder in (rgb, pose, both):
        folder.mkdir(parents=True, exist_ok=True)
    narrow = {"widths": (4, 6, 8, 10), "blocks": (1, 2, 1, 1)}
    clips = [[3, 3, 5, 40, 32]]
    write_case(rgb / "r3d.json", lambda: conv_models.VideoResNet(CLASSES, ["cube"] * 4, **narrow), clips)
    write_case(rgb / "mc3.json", lambda: conv_models.VideoResNet(CLASSES, ["cube"] + ["flat"] * 3, **narrow), clips)
    write_case(rgb / "r2plus1d.json",
               lambda: conv_models.VideoResNet(CLASSES, ["factorised"] * 4, stem_middle=3, **narrow), clips)
    slowonly = (3, 4, 2, 2, [(2, 0, 1, 1, 0), (1, 1, 2, 1, 0), (2, 1, 2, 1, 0)])
    write_case(rgb / "slowonly.json", lambda: conv_models.SlowOnly(CLASSES, *slowonly), clips)
    for name, bottleneck, pooling in (("basic", False, "mean"), ("attention", True, "attention"),
                                      ("lstm", True, "lstm")):
        write_case(rgb / f"resnet_{name}.json",
                   lambda: conv_models.FrameResNet(CLASSES, bottleneck, pooling, base=4, blocks=(2, 1, 1)),
                   [[3, 3, 3, 40, 32]])
    posec3d = (5, 4, 1, 1, [(2, 0, 2, 1, 0), (1, 1, 2, 1, 0), (2, 1, 2, 2, 0)])
    write_case(pose / "posec3d.json", lambda: conv_models.SlowOnly(CLASSES, *posec3d), [[3, 5, 4, 16, 12]])
    for name in FULL_SIZE:
        folder = {"posec3d": pose, "rgbposeconv3d": both}.get(name, rgb)
        with torch.device("meta"):
            keys = conv_models.build(name, FULL_SIZE[name]).state_dict()
        write(folder / f"{name}_keys.json", {key: list(tensor.shape) for key, tensor in keys.items()})
    write_case(both / "rgbposeconv3d.json",
               lambda: conv_models.RgbPoseConv3d(CLASSES, 5, base=8, rgb_blocks=(1, 1, 2, 1), pose_blocks=(1, 2, 1)),
               [[3, 3, 2, 32, 48], [3, 5, 8, 8, 12]],
               slot_of=two_stream_slot)
    if len(sys.argv) > 2:
        write(pose / "heatmaps.json", heatmap_cases(pathlib.Path(sys.argv[2])))


def two_stream_slot(stage):
    """Of a stage's raw output in the tuple {RGB raw, RGB shortcut, pose raw, pose shortcut}."""
    return 0 if stage.startswith("rgb.") else 2


if __name__ == "__main__":
    main()
