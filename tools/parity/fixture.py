"""Makes the fixtures that models/testing/parity reads: a reference's results in a few bytes per tensor.

For each tensor, a fixture holds the L2 norm of the reference's float64 result, the L2 distance of the
reference's float32 result from it, and PROJECTIONS projections of the float64 result on vectors of the
formula. The tests estimate the distance of another result from these (Johnson and Lindenstrauss).
"""

import torch
from torch.nn import functional

from formula import inputs_of, projections, randomise
from reference_run import at_both_precisions

CLASSES = 5  # of the fixtures' models; the next three lines are arguments of their losses
LABELS = [3, -1, 0]
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 1.5, 0.25]
SMOOTHING = 0.1

# If the reference's float32 run is farther from its float64 run than this, then rounding changed the
# side of a ReLU or the element of a max-pooling, or a gradient is zero except for rounding.
NEAR = 1e-5


def summaries(kind, exact, single):
    """Returns {name: [norm, own float32 distance, projections...]}."""
    made = {}
    for name, tensor in exact.items():
        norm, own = tensor.double().norm().item(), (single[name].double() - tensor).norm().item()
        if own > NEAR * norm:
            print(f"  {kind} {name}: norm {norm:.1e}, distance of float32 {own:.1e}")
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
