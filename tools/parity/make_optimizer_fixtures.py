"""Writes trainer/optim/testdata/optimizers.json: the results of torch.optim for given gradients.

    python3 tools/parity/make_optimizer_fixtures.py trainer/optim/testdata

It runs the loop over tensors (foreach and fused off), not the fused kernels that SlimReel calls. Weights
and gradients follow formula.py. The learning rate changes at each step. One group has weight decay, and
one has none. The file holds weights, moments and momenta in full after the first and the last step.
"""

import json
import pathlib
import sys

import torch

from formula import uniform

SHAPES = {"a.weight": (3, 11), "a.bias": (7,), "b.weight": (2, 3, 5)}
RATES = [1e-3, 3e-3, 2e-3, 5e-4, 1e-2]
DECAY = 0.05
KEPT = (1, len(RATES))
LOOP = {"foreach": False, "fused": False}
OPTIMIZERS = {
    "adamw": lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-6, **LOOP),
    "adam": lambda groups: torch.optim.Adam(groups, betas=(0.9, 0.999), eps=1e-8, **LOOP),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0, momentum=0.9, **LOOP),
    "plain sgd": lambda groups: torch.optim.SGD(groups, lr=0, momentum=0, **LOOP),
}


def gradient(step, name):
    """The gradient of a step. It gets smaller from step to step, so that eps matters."""
    return uniform(f"gradient {step} {name}", SHAPES[name]) * 10.0**-step


def numbers(tensor):
    """The values, rounded to the digits that are enough to read back the same numbers."""
    digits = 9 if tensor.dtype == torch.float32 else 17
    return [float(f"{x:.{digits}g}") for x in tensor.detach().flatten().tolist()]


def run(make, dtype):
    weights = {name: uniform(name, shape).to(dtype).requires_grad_() for name, shape in SHAPES.items()}
    optimizer = make([{"params": [w for w in weights.values() if w.dim() > 1], "weight_decay": DECAY},
                      {"params": [w for w in weights.values() if w.dim() == 1], "weight_decay": 0.0}])
    kept = {}
    for step, rate in enumerate(RATES, 1):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, weight in weights.items():
            weight.grad = gradient(step, name).to(dtype)
        optimizer.step()
        if step in KEPT:
            kept[str(step)] = {name: numbers(weight) for name, weight in weights.items()}
            for name, weight in weights.items():
                for key in ("exp_avg", "exp_avg_sq", "momentum_buffer"):
                    state = optimizer.state[weight].get(key)
                    if state is not None:
                        kept[str(step)][f"{name}.{key}"] = numbers(state)
    return kept


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    made = {"shapes": SHAPES, "rates": RATES, "weight_decay": DECAY}
    for name, make in OPTIMIZERS.items():
        made[name] = {"float64": run(make, torch.float64), "float32": run(make, torch.float32)}
    (folder / "optimizers.json").write_text(json.dumps(made, separators=(",", ":")).replace('},"', '},\n"') + "\n")


if __name__ == "__main__":
    main()
