"""Writes models/{rgb,pose,rgbpose}/testdata/*.json: the results of the reference networks.

    python3 tools/parity/make_conv_fixtures.py models [MMACTION2]

The files hold only results (see fixture.py). MMACTION2 is the path of the `mmaction` folder of the
unpacked PyPI wheel. If it is given, the script also runs the class GeneratePoseTarget of that source
and writes models/pose/testdata/heatmaps.json.
"""

import ast
import json
import pathlib
import sys

import numpy
import torch

import conv_models
from fixture import CLASSES, classification_case
from stage_taps import conv_taps

FULL_SIZE = {"r3d_18": 400, "mc3_18": 400, "r2plus1d_18": 400, "resnet18": 1000, "resnet50": 1000,
             "slowonly_r50": 60, "posec3d": 60, "rgbposeconv3d": 60}


def write_case(path, make, shapes):
    case = classification_case(make, lambda model, inputs: model(*inputs), conv_taps, shapes)
    write(path, {"has_kinks": True} | case)  # ReLU, max-pooling


def write(path, content):
    path.write_text(json.dumps(content, indent=0) + "\n")


def heatmap_cases(mmaction):
    """Random joints, drawn by mmaction2's own class. Some lie outside of the image or have a low score."""
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
               lambda: conv_models.VideoResNet(CLASSES, ["factorised"] * 4, stem_middle=3, **narrow),
               [[3, 3, 5, 32, 40]])
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
               [[3, 3, 2, 32, 48], [3, 5, 8, 8, 12]])
    if len(sys.argv) > 2:
        write(pose / "heatmaps.json", heatmap_cases(pathlib.Path(sys.argv[2])))


if __name__ == "__main__":
    main()
