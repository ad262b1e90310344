"""Compares the plain PyTorch networks of conv_models.py with mmaction2's own classes.

    $(tools/parity/setup_mmaction.sh) tools/parity/check_mmaction.py

It copies random weights and statistics of SlowOnly-50, PoseC3D and RGBPoseConv3D at full width by name.
Keys and shapes must be equal. Logits, loss and every gradient in float64 must agree within a relative
distance of 1e-10. Exit status 1: a check failed.
"""

import sys

import torch
from torch.nn import functional

import conv_models
import mmaction_models
from formula import inputs_of, randomise

TOLERANCE = 1e-10
SHAPES = {"slowonly_r50": [[2, 3, 4, 64, 64]], "posec3d": [[2, 17, 8, 24, 24]],
          "posec3d_pose_only": [[2, 17, 8, 24, 24]],
          "rgbposeconv3d": [[2, 3, 2, 64, 64], [2, 17, 8, 16, 16]]}


def results(model, inputs, training):
    model.train(training)
    model.zero_grad()
    heads = model(*inputs)
    loss = sum(functional.cross_entropy(logits, torch.tensor([3, 1])) for logits in heads)
    loss.backward()
    made = {f"logits {i}": logits.detach() for i, logits in enumerate(heads)} | {"loss": loss.detach()}
    made |= {key: p.grad.clone() for key, p in model.named_parameters()}
    return made | {key: b.double().clone() for key, b in model.named_buffers()}


def main():
    good = True
    for name, shapes in SHAPES.items():
        theirs, ours = (build(name, 5).double() for build in (mmaction_models.build, conv_models.build))
        randomise(theirs)
        state = theirs.state_dict()
        same = {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in ours.state_dict().items()}
        print(("ok    " if same else "WRONG ") + f"{name}: {len(state)} keys and shapes")
        good &= same
        ours.load_state_dict(state)
        for training in (True, False):
            theirs_made, ours_made = (results(model, inputs_of(shapes), training) for model in (theirs, ours))
            worst = max(((ours_made[key] - t).norm() / t.norm().clamp_min(1e-300)).item()
                        for key, t in theirs_made.items())
            print(("ok    " if worst < TOLERANCE else "WRONG ") + f"{name} {'train' if training else 'eval'}: "
                  f"{len(theirs_made)} tensors, worst relative distance {worst:.1e}")
            good &= worst < TOLERANCE
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
