#!/usr/bin/env python3
"""Turns a PyTorch checkpoint (.pt, .pth, .bin) into safetensors.

  weights_to_safetensors.py IN.pth OUT.safetensors
  weights_to_safetensors.py pytorch_model.bin.index.json OUT.safetensors

If the input is the index of a checkpoint in shards, writes all shards into one file. The shards
must lie in the folder of the index.

Reads with torch.load(weights_only=True), so no code of the file runs: objects of other
classes (training logs, configurations) are replaced by inert ones and left out. If the
checkpoint has `state_dict`, `model`, `module`, `model_state` or `model_state_dict`, takes the
tensors from there. A tensor with several names (tied weights) is written once, under the first
name. Needs only torch. Exit codes: 0 done, 1 disk error, 2 wrong usage, 3 the file is unusable.
"""

import argparse
import ctypes
import errno
import json
import os
import pathlib
import pickle
import re
import sys
import warnings

try:
    import torch
except ImportError:
    sys.exit("weights_to_safetensors.py needs torch: run it with a python3 that has it")

WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "module")  # module: DeepSpeed
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL",
}
CHUNK = 64 << 20


class Unusable(Exception):
    """The input holds no weights that can be written."""


class Ignored:
    """Replaces an object of a class that is not allowed. Accepts any state and keeps none."""

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


def look_at(path):
    """Raises Unusable if the first bytes show that torch.save did not write the file. Says what it is."""
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        raise Unusable("it is empty")
    if head.startswith(b"version https://git-lfs"):
        raise Unusable("it is a git-lfs pointer instead of the file: fetch the file with 'git lfs pull'")
    if head.lstrip()[:1] == b"<":
        raise Unusable("it is a web page, not the file: open its address in a browser to see what it asks for")
    if head[8:9] == b"{":
        raise Unusable("it looks like safetensors already")
    if head.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive or a bare pickle
        return
    text = all(byte in b"\t\r\n" or byte >= 32 for byte in head)
    raise Unusable("it is text, not a checkpoint" if text else "it is nothing that torch.save writes")


def reason_of(error):
    """Why torch.load refused, in one sentence, without torch's advice to run the file's code."""
    text = str(error)
    called = re.search(r"(?:unsupported|Unsupported global:) GLOBAL (\S+)", text)
    if called:
        return f"its pickle calls {called[1]}, which is code, not data, so it is refused"
    if "PytorchStreamReader" in text:
        return "its zip archive is damaged or cut short"
    if isinstance(error, (EOFError, OSError)):
        return "it is cut short"
    if isinstance(error, pickle.UnpicklingError):
        said = text.rpartition("WeightsUnpickler error:")[2].strip().splitlines()
        said = f" ({said[0]})" if said and "weights_only" not in said[0] else ""
        return f"its pickle is damaged or does more than hold data, so it is refused{said}"
    return f"it is no whole checkpoint ({type(error).__name__} while reading it)"


def other_classes(path):
    """Names of classes and functions in the file that weights_only loading refuses."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # not the zip format, or damaged: torch.load says what is wrong
        return []


def load(path):
    """Returns (the unpickled object, names of the classes that were ignored)."""
    look_at(path)
    classes = other_classes(path)
    stand_ins = [(type("Ignored", (Ignored,), {}), name) for name in classes]
    with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks to file issues about its own reader
        options = {"map_location": "cpu", "weights_only": True}
        try:
            try:
                return torch.load(path, mmap=True, **options), classes
            except RuntimeError:  # torch cannot map files of the format before 1.6
                return torch.load(path, **options), classes
        except Exception as error:  # a damaged pickle may raise any exception
            if isinstance(error, OSError) and error.errno != errno.EINVAL:  # EINVAL: a seek before the start
                raise
            raise Unusable(reason_of(error)) from error


def unwrap(loaded):
    """Returns (the mapping of names to tensors inside, a line about each wrapper)."""
    notes = []
    while isinstance(loaded, dict):
        key = next((key for key in WRAPPERS if isinstance(loaded.get(key), dict)), None)
        if key is None:
            break
        notes.append(f"took the tensors from '{key}', one of the keys {', '.join(map(str, list(loaded)[:8]))}")
        loaded = loaded[key]
    if not isinstance(loaded, dict):
        raise Unusable(f"it holds a {type(loaded).__name__}, not a state dict")
    return loaded, notes


def place_of(tensor):
    """Equal for two names of one tensor, different for two tensors."""
    return (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.dtype,
            tuple(tensor.shape), tuple(tensor.stride()))


def select(state):
    """Returns ({name: tensor}, notes): the tensors to write."""
    tensors, first, notes, others = {}, {}, [], []
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            others.append(str(name))
            continue
        if not isinstance(name, str):
            raise Unusable(f"a tensor has the key {name!r}, but a key must be text")
        if value.layout != torch.strided or value.dtype not in DTYPES:
            raise Unusable(f"tensor '{name}' of {value.dtype}, {value.layout} cannot be stored in safetensors")
        twin = first.setdefault(place_of(value), name) if value.numel() > 0 else name
        if twin != name:
            notes.append(f"{name} is {twin}: written once, as {twin}")
            continue
        tensors[name] = value.detach()
    if not tensors:
        raise Unusable(f"it holds no tensors at its top level; its keys: {', '.join(others[:8]) or 'none'}")
    if others:
        notes.append(f"left out {len(others)} entries that are not tensors: {', '.join(others[:8])}")
    return tensors, notes


def write_bytes(file, tensor):
    """Writes the tensor's elements in row-major order, little-endian."""
    flat = tensor.contiguous().reshape(-1)
    total, start = flat.numel() * flat.element_size(), flat.data_ptr()
    for offset in range(0, total, CHUNK):
        piece = (ctypes.c_char * min(CHUNK, total - offset)).from_address(start + offset)
        file.write(memoryview(piece))


def write(path, tensors):
    """Writes the file `path` completely or not at all."""
    # Wide types come first, then names decide. So every tensor is aligned to its element size.
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


def read_index(path):
    """Returns {tensor: file name} of a checkpoint in shards. Raises Unusable if a shard is missing."""
    try:
        shard_of = json.loads(path.read_bytes())["weight_map"]
        names = sorted(set(shard_of.values()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unusable("it is no index: no JSON object with a weight_map of tensor names to files") from error
    for name in names:
        if not isinstance(name, str) or not name or "/" in name:
            raise Unusable(f"its weight_map holds {name!r}, which is not a file name")
    absent = [name for name in names if not (path.parent / name).is_file()]
    if not names:
        raise Unusable("its weight_map is empty")
    if absent:
        raise Unusable(f"{len(absent)} of its {len(names)} shards are missing in its folder: {', '.join(absent)}")
    return shard_of


def read_file(path):
    """Returns (state dict, notes) of one file."""
    loaded, ignored = load(path)
    state, notes = unwrap(loaded)
    if ignored:
        notes.append(f"ignored objects of {', '.join(ignored[:8])}")
    return state, notes


def read_shards(path):
    """Returns (state dict, notes) of all shards. They are mapped: a tensor is read when it is written."""
    shard_of = read_index(path)
    whole, notes = {}, []
    for shard in sorted(set(shard_of.values())):
        try:
            state, more = read_file(path.parent / shard)
        except Unusable as error:
            raise Unusable(f"shard {shard}: {error}") from error
        placed = {name for name, file in shard_of.items() if file == shard}
        for name in sorted(placed ^ {name for name, value in state.items() if isinstance(value, torch.Tensor)}):
            raise Unusable(f"places tensor '{name}' in {shard}, which lacks it" if name in placed
                           else f"does not place tensor '{name}' in {shard}")
        whole.update((name, state[name]) for name in placed)
        notes += [f"{shard}: {note}" for note in more]
    return whole, notes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", type=pathlib.Path,
                        help="a file that torch.save wrote, or the *.index.json of a checkpoint in shards")
    parser.add_argument("output", type=pathlib.Path, help="the safetensors file to write")
    arguments = parser.parse_args()
    if not arguments.input.is_file():
        parser.error(f"no file {arguments.input}")
    if sys.byteorder != "little":
        parser.error("this tool runs only on little-endian machines")
    read = read_shards if arguments.input.name.endswith(".index.json") else read_file
    try:
        state, notes = read(arguments.input)
        tensors, more = select(state)
    except Unusable as error:
        print(f"{arguments.input}: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"cannot read {arguments.input}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        write(arguments.output, tensors)
    except OSError as error:
        print(f"cannot write {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    for note in notes + more:
        print(f"{arguments.input}: {note}", file=sys.stderr)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    print(f"{arguments.output}: {len(tensors)} tensors, {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
