"""Writes data/loading/testdata/keypoints.json: keypoints before and after mmaction2's transforms.

    python3 tools/parity/make_keypoint_fixtures.py MMACTION2_WHEEL data/loading/testdata

It reads the wheel (`pip download mmaction2==1.2.0 --no-deps`) and does not install it. It runs
only PoseCompact and the keypoint formulas of Resize and Flip, so it needs neither mmcv nor CUDA.
Every case holds stored keypoints, the chosen frames, and the keypoints in heatmap pixels after
PoseCompact(hw_ratio=1), Resize(keep_ratio=False) and, if the case says so, Flip. mmaction2 leaves
the detector's score of a joint at (0, 0) unchanged. This project sets that score to 0 (see
data/loading/keypoint_clip.h). Detectors and these cases give such joints the score 0 anyway.
"""

import ast
import json
import pathlib
import sys
import typing
import zipfile

import numpy

numpy.Inf = numpy.inf  # mmaction2 1.2.0 uses this name, which numpy 2 removed


def reference_classes(wheel):
    """PoseCompact, Resize and Flip from the wheel's source, without their registries."""
    found = {}
    for path, names in {
        "mmaction/datasets/transforms/pose_transforms.py": ["PoseCompact"],
        "mmaction/datasets/transforms/processing.py": ["Resize", "Flip"],
    }.items():
        tree = ast.parse(zipfile.ZipFile(wheel).read(path).decode())
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name in names:
                node.decorator_list = []
                scope = {
                    "np": numpy,
                    "BaseTransform": object,
                    "_pair": lambda value: (value, value),
                    "_combine_quadruple": lambda a, b: b,
                    **{name: getattr(typing, name) for name in ("Dict", "Optional", "Tuple", "Union")},
                }
                exec(compile(ast.Module([node], []), path, "exec"), scope)
                found[node.name] = scope[node.name]
    return found


def make_case(reference, random, name, persons, box, frames, flip=False, missing=0.1, size=56):
    """Makes one case. Joints lie within `box` (left, top, right, bottom), in a frame of 80 x 96."""
    stored = numpy.zeros((persons, 6, 17, 3), numpy.float32)
    stored[..., 0] = random.uniform(box[0], box[2], stored.shape[:-1])
    stored[..., 1] = random.uniform(box[1], box[3], stored.shape[:-1])
    stored[..., 2] = random.uniform(0.1, 1, stored.shape[:-1])
    stored = numpy.round(stored, 2)
    stored[random.uniform(size=stored.shape[:-1]) < missing] = 0
    results = {
        "img_shape": (80, 96),
        "keypoint": stored[:, frames][..., :2].copy(),
        "keypoint_score": stored[:, frames][..., 2].copy(),
    }
    results = reference["PoseCompact"](hw_ratio=1.0).transform(results)
    height, width = results["img_shape"]
    scale = numpy.array([size / width, size / height], numpy.float32)
    keypoint = reference["Resize"]._resize_kps(results["keypoint"], scale)
    score = results["keypoint_score"]
    if flip:
        flipping = reference["Flip"].__new__(reference["Flip"])
        flipping.left_kp = [1, 3, 5, 7, 9, 11, 13, 15]
        flipping.right_kp = [2, 4, 6, 8, 10, 12, 14, 16]
        keypoint, score = flipping._flip_kps(keypoint, score, size)
    expected = numpy.concatenate([keypoint, score[..., None]], -1)
    rounded = lambda values: [round(float(v), 4) for v in values.reshape(-1)]
    return {
        "name": name,
        "persons": persons,
        "frames": frames,
        "flip": flip,
        "size": size,
        "stored": rounded(stored),
        "expected": rounded(expected),
    }


def main():
    reference = reference_classes(sys.argv[1])
    random = numpy.random.default_rng(7)
    cases = [
        make_case(reference, random, "one person", 1, (20, 10, 60, 70), [0, 2, 5]),
        make_case(reference, random, "two persons, flipped", 2, (30, 5, 90, 40), [1, 3], flip=True),
        make_case(reference, random, "past the edges", 1, (1, 1, 95, 79), [0, 1, 1, 4], size=64),
        make_case(reference, random, "too small a box", 1, (40, 30, 48, 37), [3, 0], flip=True),
        make_case(reference, random, "nobody", 1, (20, 10, 60, 70), [2], missing=1.0),
    ]
    path = pathlib.Path(sys.argv[2]) / "keypoints.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
