"""Whether torch.compile's gradients belong to the dropout mask of its own forward pass.

Prints one JSON line for each activation_memory_budget: the number of entries that forward dropped and
backward did not, or the reverse. dropout_test.py runs it.
"""

import json

import torch
from torch._functorch import config
from torch.nn import functional


def dropped_sine(x, weight):
    return functional.dropout(torch.sin(x * weight), 0.5)


def main():
    for budget in (1.0, 0.5):
        torch._dynamo.reset()
        config.activation_memory_budget = budget
        torch.manual_seed(0)
        x = torch.randn(64, 64, requires_grad=True)
        weight = torch.randn(64, 64)
        out = torch.compile(dropped_sine)(x, weight)
        out.sum().backward()
        other = ((out != 0) != (x.grad != 0)).sum().item()
        print(json.dumps({"budget": budget, "other_entries": other, "entries": out.numel()}), flush=True)


if __name__ == "__main__":
    main()
