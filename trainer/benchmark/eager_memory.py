"""The peak of PyTorch's own train steps, and what torch.distributed._tools says of it beforehand.

    eager_memory.py < CONFIGURATIONS

Reads configurations as JSON lines (those that `prediction` prints) and answers each with one JSON
line: `measured_bytes` of two steps that run, by the allocator's events, and `tracked_bytes`, the
peak that MemTracker reports of the same two steps on fake tensors, before they run. All inputs are
counted on both sides. The batch is not split. Models without a reference answer with an error.
"""

import gc
import json
import sys

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker

import eager_models
import tensor_peak


def freeze_into_buffers(model):
    """Makes frozen parameters buffers: MemTracker hooks the gradient of every parameter."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if not parameter.requires_grad:
                delattr(module, name)
                module.register_buffer(name, parameter.detach())


class Steps:
    """A model with its optimizer and one batch."""

    def __init__(self, config):
        name = config["model"]
        torch.set_default_dtype(torch.float64 if config["precision"] == "64" else torch.float32)
        speech = name in eager_models.WHISPER
        frames = config["tokens"] if speech else config["frames"]
        self.autocast = config["precision"] == "bf16"
        self.model = eager_models.build(name, frames, config["size"], config["classes"])
        self.inputs, self.labels = eager_models.batch_of(
            name, config["batch"], frames, config["size"], config["audio_frames"], config["classes"],
            config["heatmap_size"])
        freeze_into_buffers(self.model)
        self.model.train()
        parameters = self.model.parameters()
        if config["optimizer"] == "adamw":
            self.optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)
        else:
            self.optimizer = torch.optim.SGD(parameters, lr=1e-4, momentum=0.9)

    def run(self, after_step=lambda: None):
        for _ in range(2):
            with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
                loss = eager_models.loss_of(self.model(*self.inputs), self.labels)
            loss.backward()
            del loss
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            after_step()

    def live_bytes(self):
        return tensor_peak.storage_bytes(
            [*self.model.parameters(), *self.model.buffers(), *self.inputs, self.labels])


def tracked(config):
    with FakeTensorMode():
        steps = Steps(config)
        tracker = MemTracker()
        tracker.track_external(steps.model, steps.optimizer, *steps.inputs, steps.labels)
        with tracker:
            steps.run(after_step=tracker.reset_mod_stats)
        snapshot = tracker.get_tracker_snapshot("peak")
    return sum(by_type["Total"] for by_type in snapshot.values())


def measured(config):
    steps = Steps(config)
    return steps.live_bytes() + tensor_peak.peak_growth(steps.run)


def main():
    torch.set_num_threads(2)
    for line in sys.stdin:
        config = json.loads(line)
        try:
            answer = {"tracked_bytes": tracked(config), "measured_bytes": measured(config)}
        except Exception as error:  # noqa: BLE001: a shape that the reference does not take is an answer, too
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
