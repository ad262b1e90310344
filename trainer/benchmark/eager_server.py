"""PyTorch eager's train step on request: the peer of step_server.

    eager_server.py MODEL BATCH FRAMES SIZE

Reads `step`, `peak`, `quit` from standard input and answers each with one JSON
line, like step_server. The models are the published architectures in plain
PyTorch (tools/parity/reference_models.py).
"""

import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "parity"))
import reference_models  # noqa: E402

CLASSES = 60


def peak_resident_bytes():
    for line in open("/proc/self/status", encoding="ascii"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    name, batch, frames, size = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(2)
    model = reference_models.build(name, num_classes=CLASSES, num_frames=frames, image_size=size)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    clips = torch.randn(batch, 3, frames, size, size)
    labels = torch.randint(CLASSES, (batch,))
    for command in sys.stdin:
        command = command.strip()
        if command == "quit":
            break
        if command == "step":
            start = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(model(clips), labels)
            loss.backward()
            optimizer.step()
            took = (time.perf_counter() - start) * 1e3
            print(json.dumps({"ms": took, "loss": loss.item()}), flush=True)
        if command == "peak":
            print(json.dumps({"peak_resident_bytes": peak_resident_bytes()}), flush=True)


if __name__ == "__main__":
    main()
