"""Checks a file that SaveWeights wrote, then writes one for LoadInto.

safetensors_check.py OURS THEIRS: exit 0 if OURS holds the expected values.
"""

import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

# name -> (numpy dtype, shape); element i of a tensor is i + 1, of a bool one i % 2 == 0.
TENSORS = {
    "f64": ("float64", (3,)),
    "blocks.0.f32": ("float32", (2, 3, 4)),
    "f16": ("float16", (5,)),
    "i64": ("int64", ()),
    "i32": ("int32", (2, 2)),
    "i16": ("int16", (3,)),
    "i8": ("int8", (3,)),
    "u8": ("uint8", (7,)),
    "bool": ("bool", (4,)),
    "empty": ("float32", (0, 5)),
    "turned": ("float32", (3, 2)),  # ours is a transposed view when it is saved
}


def expected(name):
    dtype, shape = TENSORS[name]
    count = int(numpy.prod(shape))
    if name == "turned":
        return (numpy.arange(count, dtype=dtype) + 1).reshape(2, 3).T
    values = numpy.arange(count) % 2 == 0 if dtype == "bool" else numpy.arange(count) + 1
    return values.astype(dtype).reshape(shape)


def main():
    ours, theirs = sys.argv[1:]
    with safe_open(ours, framework="numpy") as file:
        assert file.metadata() == {"step": "3"}, file.metadata()
        assert set(file.keys()) == set(TENSORS), list(file.keys())
        for name in TENSORS:
            value, want = file.get_tensor(name), expected(name)
            assert value.dtype == want.dtype and value.shape == want.shape, name
            assert (value == want).all(), name
    tensors = {name: numpy.ascontiguousarray(expected(name)).reshape(TENSORS[name][1]) for name in TENSORS}
    save_file(tensors, theirs, metadata={"epoch": "4"})


main()
