#!/usr/bin/env python3
"""Turns a PyTorch checkpoint (.pt, .pth, .bin) into safetensors.

  weights_to_safetensors.py IN.pth OUT.safetensors

Reads with torch.load(weights_only=True), so no code of the file runs: objects of other
classes (training logs, configurations) are replaced by inert ones and left out. Takes the
tensors out of `state_dict`, `model`, `model_state` or `model_state_dict` where there is
one. A tensor that stands under several names (tied weights) is written once, under the
first. Needs torch alone. Exit codes: 0 done, 1 the disk, 2 usage, 3 the file is unusable.
"""

import argparse
import ctypes
import json
import os
import pathlib
import pickle
import sys

try:
    import torch
except ImportError:
    sys.exit("weights_to_safetensors.py needs torch: run it with a python3 that has it")

WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model")
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL",
}
CHUNK = 64 << 20


class Unusable(Exception):
    """The input holds no weights that can be written."""


class Ignored:
    """Stands in for an object of a class that is not allowed: takes everything, keeps nothing."""

    def __new__(cls, *_args, **_kwargs):
        return super().__new__(cls)

    def __init__(self, *_args, **_kwargs):
        pass

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass


def other_classes(path):
    """Names of classes and functions in the file that weights_only loading refuses."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, ValueError):
        return []  # not the zip format: torch.load says what is wrong


def load(path):
    """(the unpickled object, names of the classes that were ignored)"""
    classes = other_classes(path)
    stand_ins = [(type("Ignored", (Ignored,), {}), name) for name in classes]
    with torch.serialization.safe_globals(stand_ins):
        options = {"map_location": "cpu", "weights_only": True}
        try:
            try:
                return torch.load(path, mmap=True, **options), classes
            except RuntimeError:  # the format before 1.6 cannot be mapped
                return torch.load(path, **options), classes
        except pickle.UnpicklingError as error:
            # Without torch's own advice, which is to run the file's code.
            reason = str(error).rpartition("WeightsUnpickler error:")[2].strip().splitlines()[0]
            raise Unusable("it is no checkpoint, or its pickle does more than hold data and is "
                           f"refused: {reason}") from error


def unwrap(loaded):
    """The mapping of names to tensors inside, with a line about each wrapper."""
    notes = []
    while isinstance(loaded, dict):
        key = next((key for key in WRAPPERS if isinstance(loaded.get(key), dict)), None)
        if key is None:
            break
        notes.append(f"took '{key}' out of {', '.join(map(str, list(loaded)[:8]))}")
        loaded = loaded[key]
    if not isinstance(loaded, dict):
        raise Unusable(f"it holds a {type(loaded).__name__}, not a state dict")
    return loaded, notes


def place_of(tensor):
    """What tells two names of one tensor apart from two tensors."""
    return (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.dtype,
            tuple(tensor.shape), tuple(tensor.stride()))


def select(state):
    """({name: tensor}, notes) of what is written."""
    tensors, first, notes, others = {}, {}, [], []
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            others.append(str(name))
            continue
        if not isinstance(name, str):
            raise Unusable(f"a tensor has the key {name!r}, which is no name")
        if value.layout != torch.strided or value.dtype not in DTYPES:
            raise Unusable(f"{name} is {value.dtype}, {value.layout}: safetensors has no place for it here")
        twin = first.setdefault(place_of(value), name) if value.numel() > 0 else name
        if twin != name:
            notes.append(f"{name} is {twin}: written once, as {twin}")
            continue
        tensors[name] = value.detach()
    if not tensors:
        raise Unusable(f"it holds no tensors at its top level; its keys: {', '.join(others[:8]) or 'none'}")
    if others:
        notes.append(f"left out {len(others)} entries that are no tensors: {', '.join(others[:8])}")
    return tensors, notes


def write_bytes(file, tensor):
    """The tensor's elements in row-major order, little-endian."""
    flat = tensor.contiguous().reshape(-1)
    total, start = flat.numel() * flat.element_size(), flat.data_ptr()
    for offset in range(0, total, CHUNK):
        piece = (ctypes.c_char * min(CHUNK, total - offset)).from_address(start + offset)
        file.write(memoryview(piece))


def write(path, tensors):
    """The file under `path`, whole or not at all."""
    # Wide types first, then by name: every tensor is aligned to its element.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in order:
        size = tensors[name].numel() * tensors[name].element_size()
        header[name] = {"dtype": DTYPES[tensors[name].dtype], "shape": list(tensors[name].shape),
                        "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    aside = path.with_name(path.name + ".partial")
    try:
        with open(aside, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                write_bytes(file, tensors[name])
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", type=pathlib.Path, help="a file that torch.save wrote")
    parser.add_argument("output", type=pathlib.Path, help="the safetensors file to write")
    arguments = parser.parse_args()
    if not arguments.input.is_file():
        parser.error(f"no file {arguments.input}")
    if sys.byteorder != "little":
        parser.error("runs on little-endian machines")
    try:
        loaded, ignored = load(arguments.input)
        state, notes = unwrap(loaded)
        tensors, more = select(state)
    except (Unusable, RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        print(f"{arguments.input}: {error}", file=sys.stderr)
        return 3
    try:
        write(arguments.output, tensors)
    except OSError as error:
        print(f"cannot write {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    if ignored:
        notes.append(f"ignored objects of {', '.join(ignored[:8])}")
    for note in notes + more:
        print(f"{arguments.input}: {note}", file=sys.stderr)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    print(f"{arguments.output}: {len(tensors)} tensors, {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
