"""Runs PyTorch eager's train step on request: the peer of step_server.

    eager_server.py MODEL BATCH FRAMES SIZE

Reads the commands `step`, `peak` and `quit` from standard input. Answers `step` and `peak` with
one JSON line each, like step_server. For speech models, FRAMES is the number of tokens.
"""

import json
import sys
import time

import torch

import eager_models


def peak_resident_bytes():
    for line in open("/proc/self/status", encoding="ascii"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    name, batch, frames, size = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(2)
    model = eager_models.build(name, frames, size)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    inputs, labels = eager_models.batch_of(name, batch, frames, size)
    for command in sys.stdin:
        command = command.strip()
        if command == "quit":
            break
        if command == "step":
            start = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            loss = eager_models.loss_of(model(*inputs), labels)
            loss.backward()
            optimizer.step()
            took = (time.perf_counter() - start) * 1e3
            print(json.dumps({"ms": took, "loss": loss.item()}), flush=True)
        if command == "peak":
            print(json.dumps({"peak_resident_bytes": peak_resident_bytes()}), flush=True)


if __name__ == "__main__":
    main()
