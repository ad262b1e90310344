"""The fixtures that models/testing/parity reads: a reference's results in a few bytes per tensor.

A fixture holds for each tensor: the L2 norm of the reference's float64 result, the L2 distance of its
own float32 result from that, and PROJECTIONS projections of the float64 result on vectors of the formula.
From these the tests estimate the distance of another result (Johnson and Lindenstrauss).
"""

import torch
from torch.nn import functional

from formula import inputs_of, projections, randomise
from reference_run import at_both_precisions

CLASSES = 5  # of the fixtures' models; what their losses are made with
LABELS = [3, -1, 0]
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 1.5, 0.25]
SMOOTHING = 0.1

# If a float32 run of the reference is beyond this, an element took the other side of a ReLU or a
# max-pooling than in the float64 run, or a gradient is zero except for rounding.
NEAR = 1e-5


def summaries(kind, exact, single):
    """[norm, own float32 distance, projections...] by name."""
    made = {}
    for name, tensor in exact.items():
        norm, own = tensor.double().norm().item(), (single[name].double() - tensor).norm().item()
        if own > NEAR * norm:
            print(f"  {kind} {name}: norm {norm:.1e}, float32 at a distance of {own:.1e}")
        made[name] = [float(f"{norm:.14g}"), float(f"{own:.1e}"),
                      *(float(f"{p:.14g}") for p in projections(name, tensor).tolist())]
    return made


def both_modes(make, inputs, loss_of, taps_of):
    def made():
        model = make()
        randomise(model)
        return model

    modes = {}
    for mode in ("train", "eval"):
        exact, single = at_both_precisions(made, inputs, loss_of, taps_of, mode == "train",
                                           steps=3 if mode == "train" else 0)
        modes[mode] = {kind: summaries(f"{mode} {kind}", exact[kind], single[kind]) for kind in exact}
    return modes


def classification_case(make, heads_of, taps_of, shapes):
    def loss_of(model, inputs):
        heads = heads_of(model, inputs)
        weights = torch.tensor(CLASS_WEIGHTS, dtype=heads[0].dtype)
        return sum(functional.cross_entropy(logits, torch.tensor(LABELS), weight=weights, ignore_index=-1,
                                            label_smoothing=SMOOTHING) for logits in heads), heads

    case = {"inputs": shapes, "labels": LABELS, "class_weights": CLASS_WEIGHTS, "label_smoothing": SMOOTHING}
    return case | both_modes(make, inputs_of(shapes), loss_of, taps_of)
