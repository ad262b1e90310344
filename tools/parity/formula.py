"""What the fixture makers share: the formula that weights and inputs follow, and summaries.

models/testing/parity evaluates the same formula, so fixtures hold results only: logits and losses in
full, and of every activation, gradient and weight its L2 norm and its projection on a vector made by
the same formula, which any wrong or misplaced element changes.
"""

import numpy
import torch

GOLDEN = 0x9E3779B97F4A7C15
CLASSES = 5  # of the fixtures' models; what their losses are made with
LABELS = [3, -1, 0]
CLASS_WEIGHTS = [1.0, 0.5, 2.0, 1.5, 0.25]
SMOOTHING = 0.1


def value(key, shape):
    """Uniform in [-1, 1): SplitMix64's finaliser over FNV-1a of the key plus a counter."""
    state = 0xCBF29CE484222325
    for byte in key.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    count = int(numpy.prod(shape, dtype=numpy.int64))
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + numpy.uint64(GOLDEN) * numpy.arange(count, dtype=numpy.uint64)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    uniform = (z >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-52 - 1.0
    return torch.from_numpy(uniform).reshape(shape)


def randomise(model):
    """Every parameter and running statistic by the formula; zero- and one-initialised ones too."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key.endswith("num_batches_tracked"):
                continue
            v = value(key, tuple(tensor.shape))
            if tensor.dim() > 1:
                v = v * (3.0 / tensor[0].numel()) ** 0.5
            elif key.endswith("running_var"):
                v = 1.0 + 0.5 * v
            elif key.endswith("weight"):
                v = 1.0 + 0.3 * v
            else:
                v = 0.2 * v
            tensor.copy_(v)


def summary(name, tensor):
    tensor = tensor.detach().contiguous()
    return [tensor.norm().item(), (tensor * value("projection " + name, tuple(tensor.shape))).sum().item()]
