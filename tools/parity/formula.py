"""Weights and inputs as a function of their key. Both sides of a parity test evaluate this formula.

models/testing/formula is the other side, so fixtures hold only results. All values are float32
numbers, also in float64 runs. So runs of both precisions start from the same weights and inputs.
"""

import numpy
import torch

GOLDEN = 0x9E3779B97F4A7C15
PROJECTIONS = 4  # per tensor of a fixture


def uniform(key, shape):
    """Uniform in [-1, 1), float64: SplitMix64's finaliser over FNV-1a of the key plus a counter."""
    state = 0xCBF29CE484222325
    for byte in key.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    count = int(numpy.prod(shape, dtype=numpy.int64))
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + numpy.uint64(GOLDEN) * numpy.arange(count, dtype=numpy.uint64)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    values = (z >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-52 - 1.0
    return torch.from_numpy(values).reshape(shape)


def value(key, shape):
    """Like uniform, but rounded to float32 numbers. The dtype stays float64."""
    return uniform(key, shape).float().double()


def randomise(model):
    """Sets every parameter and running statistic by the formula, also those initialised with 0 or 1."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key.endswith("num_batches_tracked"):
                continue
            v = uniform(key, tuple(tensor.shape))
            if tensor.dim() > 1:
                v = v * (3.0 / tensor[0].numel()) ** 0.5
            elif key.endswith("running_var"):
                v = 1.0 + 0.5 * v
            elif key.endswith("weight"):
                v = 1.0 + 0.3 * v
            else:
                v = 0.2 * v
            tensor.copy_(v.float())


def inputs_of(shapes):
    """Returns one tensor per shape. Their keys are "input", "input 1", "input 2", ..."""
    return [value("input" + (f" {i}" if i else ""), tuple(shape)) for i, shape in enumerate(shapes)]


def projections(name, tensor):
    """PROJECTIONS dot products with vectors of the formula. The tests estimate distances from them."""
    flat = tensor.detach().double().flatten()
    return uniform("projection " + name, (PROJECTIONS, flat.numel())) @ flat
