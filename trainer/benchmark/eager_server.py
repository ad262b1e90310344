"""Runs PyTorch's train step on request: the peer of step_server and plan_server.

    eager_server.py MODEL BATCH FRAMES SIZE [--audio_frames N] [--splits N] [--checkpoint] [--compile BUDGET]

Reads the commands `step`, `peak`, `growth` and `quit` from standard input. Answers all but `quit`
with one JSON line each. `growth` is the highest sum of bytes that a step's tensors take beyond
parameters, optimizer and batch, and the bytes of gradients in it. For speech models, FRAMES is
the number of tokens. With `--splits`, the batch runs in so many parts whose gradients add up.
`--checkpoint` recomputes each block of the model in backward. `--compile` runs torch.compile with
that activation_memory_budget.
"""

import argparse
import json
import sys
import time

import torch
from torch._functorch import config as functorch_config
from torch.utils.checkpoint import checkpoint

import eager_models
import tensor_peak

BLOCKS = ("VideoBlock", "FrameBlock", "InflatedBottleneck", "VitLayer", "TimesformerLayer", "WhisperLayer")


def peak_resident_bytes():
    for line in open("/proc/self/status", encoding="ascii"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def checkpoint_blocks(model):
    """Every block keeps only its input, as users of torch.utils.checkpoint do it."""
    for module in model.modules():
        if type(module).__name__ in BLOCKS:
            module.forward = lambda *inputs, forward=module.forward: checkpoint(forward, *inputs, use_reentrant=False)


class StepServer:
    def __init__(self, options):
        name, batch, frames, size = options.model, options.batch, options.frames, options.size
        self.model = eager_models.build(name, frames, size)
        self.model.train()
        if options.checkpoint:
            checkpoint_blocks(self.model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, fused=True)
        inputs, labels = eager_models.batch_of(name, batch, frames, size, options.audio_frames)
        self.parts = list(zip(zip(*(x.chunk(options.splits) for x in inputs)), labels.chunk(options.splits)))
        self.call = self.model
        if options.compile is not None:
            functorch_config.activation_memory_budget = options.compile
            self.call = torch.compile(self.model)

    def train(self):
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for inputs, labels in self.parts:
            loss = eager_models.loss_of(self.call(*inputs), labels) / len(self.parts)
            loss.backward()
            total += loss.detach()
        self.optimizer.step()
        return total

    def step(self):
        start, start_cpu = time.perf_counter(), time.process_time()
        loss = self.train()
        took, took_cpu = time.perf_counter() - start, time.process_time() - start_cpu
        return {"ms": took * 1e3, "cpu_ms": took_cpu * 1e3, "loss": loss.item()}

    def growth(self):
        self.optimizer.zero_grad(set_to_none=True)
        peak = tensor_peak.peak_growth(self.train)
        parameters = list(self.model.parameters())
        return {"growth_bytes": peak,
                "gradient_bytes": tensor_peak.storage_bytes(p.grad for p in parameters if p.grad is not None),
                "lasting_bytes": tensor_peak.storage_bytes(
                    [*parameters, *self.model.buffers(), *tensor_peak.state_tensors(self.optimizer)])}

    @staticmethod
    def peak():
        return {"peak_resident_bytes": peak_resident_bytes()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    for name in ("batch", "frames", "size"):
        parser.add_argument(name, type=int)
    parser.add_argument("--audio_frames", type=int, default=eager_models.AUDIO_FRAMES)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--checkpoint", action="store_true")
    parser.add_argument("--compile", type=float, help="activation_memory_budget, 0..1")
    options = parser.parse_args()
    torch.set_num_threads(2)
    server = StepServer(options)
    for command in sys.stdin:
        command = command.strip()
        if command == "quit":
            break
        if command in ("step", "growth", "peak"):
            print(json.dumps(getattr(server, command)()), flush=True)


if __name__ == "__main__":
    main()
