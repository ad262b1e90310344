"""Tests weights_to_safetensors.py on files that torch.save writes and on files that it does not."""

import collections
import contextlib
import io
import json
import os
import pathlib
import pickle
import shutil
import sys
import tempfile
import types
import unittest
from unittest import mock

import safetensors_file

try:
    import torch
except ImportError:
    print("weights_to_safetensors: skipped (this python3 has no torch)")
    sys.exit(0)
import weights_to_safetensors


class RunLog:
    """An object of a class that torch does not know, as training frameworks save beside their weights."""

    def __init__(self, values):
        self.values = values


class Dangerous:
    """Writes a file if it is unpickled in the ordinary way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (shutil.copyfile, (__file__, str(self.path)))


class Shell:
    """Pickled as a call that torch.load knows to be dangerous."""

    def __reduce__(self):
        return (os.system, ("true",))


class Indirect:
    """Pickled as a call of what another call returned."""

    def __reduce__(self):
        return (pathlib.Path.touch, ("never",))


def run(*arguments):
    """Runs the tool in this process, because importing torch takes seconds."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with mock.patch.object(sys, "argv", ["weights_to_safetensors.py", *map(str, arguments)]), \
            contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            code = weights_to_safetensors.main()
        except SystemExit as exit_call:  # argparse
            code = exit_call.code
    return types.SimpleNamespace(returncode=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())


class WeightsToSafetensorsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def convert(self, content, **save_options):
        """Returns (the tool's result, the tensors it wrote)."""
        source, target = self.folder / "in.pth", self.folder / "out.safetensors"
        torch.save(content, source, **save_options)
        process = run(source, target)
        self.assertFalse(list(self.folder.glob("*.partial")))
        return process, safetensors_file.read(target) if target.exists() else None

    def expect(self, written, tensors):
        self.assertEqual(set(written), set(tensors))
        for name, tensor in tensors.items():
            dtype, shape, content = written[name]
            self.assertEqual(shape, list(tensor.shape), name)
            restored = torch.frombuffer(bytearray(content), dtype=tensor.dtype).reshape(tensor.shape)
            self.assertTrue(torch.equal(restored, tensor), name)

    def test_every_type_and_stride_is_converted(self):
        tensors = {"turned": torch.arange(6.0).reshape(2, 3).t(), "scalar": torch.tensor(3),
                   "slice": torch.arange(10.0)[3:7], "mask": torch.tensor([True, False])}
        for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.int16,
                      torch.int8, torch.uint8):
            tensors[str(dtype)] = torch.arange(5).to(dtype)
        process, written = self.convert(tensors)
        self.assertEqual(process.returncode, 0, process.stderr)
        self.expect(written, tensors)

    def test_wrappers_are_opened_and_the_rest_is_left_out(self):
        state = collections.OrderedDict(w=torch.ones(2), n=torch.zeros(1))
        for content in (state, {"state_dict": state, "epoch": 3}, {"model": state}, {"model_state": state},
                        {"module": state, "optimizer": {}}, {"epoch": 3, "model": {"state_dict": state}}):
            process, written = self.convert(content)
            self.assertEqual(process.returncode, 0, process.stderr)
            self.expect(written, state)

    def test_files_of_the_format_before_the_zip_are_read(self):
        tensors = {"w": torch.arange(4.0)}
        process, written = self.convert(tensors, _use_new_zipfile_serialization=False)
        self.assertEqual(process.returncode, 0, process.stderr)
        self.expect(written, tensors)

    def test_tied_tensors_are_written_once_and_other_views_in_full(self):
        base = torch.arange(6.0)
        process, written = self.convert({"embed": base, "proj_out": base, "part": base[:3]})
        self.assertEqual(process.returncode, 0, process.stderr)
        self.expect(written, {"embed": base, "part": base[:3]})
        self.assertIn("proj_out is embed", process.stderr)

    def test_objects_of_other_classes_are_ignored_and_never_run(self):
        touched = self.folder / "touched"
        process, written = self.convert({"state_dict": {"w": torch.ones(2)}, "log": RunLog([1]),
                                         "trap": Dangerous(touched)})
        self.assertEqual(process.returncode, 0, process.stderr)
        self.expect(written, {"w": torch.ones(2)})
        self.assertIn("RunLog", process.stderr)
        self.assertFalse(touched.exists())

    def test_files_without_weights_say_why(self):
        for content, reason in (([1], "not a state dict"), ({"epoch": 3}, "no tensors"),
                                ({"w": torch.ones(2, dtype=torch.complex64)}, "complex64")):
            process, written = self.convert(content)
            self.assertEqual(process.returncode, 3, process.stderr)
            self.assertIn(reason, process.stderr)
            self.assertIsNone(written)
        source = self.folder / "plain.pkl"
        source.write_bytes(pickle.dumps({"w": 1})[:-3])
        process = run(source, self.folder / "out.safetensors")
        self.assertEqual(process.returncode, 3, process.stderr)

    def test_a_pickle_that_calls_a_returned_object_is_refused_without_bad_advice(self):
        process, written = self.convert({"w": torch.ones(2), "trap": Indirect()})
        self.assertEqual(process.returncode, 3, process.stderr)
        self.assertIsNone(written)
        self.assertIn("refused", process.stderr)
        self.assertNotIn("weights_only", process.stderr)

    def refused(self, content, name="in.bin"):
        """Returns the error for a file of these bytes: one sentence, and no advice to run the file's code."""
        source = self.folder / name
        source.write_bytes(content)
        process = run(source, self.folder / "out.safetensors")
        self.assertEqual(process.returncode, 3, process.stderr)
        self.assertFalse((self.folder / "out.safetensors").exists())
        self.assertEqual(process.stderr.count("\n"), 1, process.stderr)
        self.assertNotIn("weights_only", process.stderr)
        prefix = f"{source}: "
        self.assertTrue(process.stderr.startswith(prefix), process.stderr)
        return process.stderr[len(prefix):].strip()

    def test_a_system_call_is_refused_by_name_in_both_formats(self):
        for zipped in (True, False):
            saved = io.BytesIO()
            torch.save({"w": torch.ones(2), "trap": Shell()}, saved, _use_new_zipfile_serialization=zipped)
            self.assertIn(f"calls {os.system.__module__}.system", self.refused(saved.getvalue()))

    def test_a_file_that_is_not_a_checkpoint_is_described(self):
        saved = io.BytesIO()
        torch.save({"w": torch.ones(2000)}, saved)
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
        header = b'{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
        for content, reason in ((b"", "empty"), (b"a list of names\n", "text"), (pointer, "git lfs pull"),
                                (b"\n<!DOCTYPE html><html>Sign in", "web page"),
                                (len(header).to_bytes(8, "little") + header, "safetensors already"),
                                (bytes(range(1, 200)), "nothing that torch.save writes"),
                                (saved.getvalue()[:5000], "cut short"), (b"\x80\x02", "cut short"),
                                (b"\x80\x02hello", "no whole checkpoint"),
                                (pickle.dumps({"w": 1}, protocol=4), "more than hold data")):
            self.assertIn(reason, self.refused(content))

    def save_shards(self, shards, weight_map):
        for name, content in shards.items():
            torch.save(content, self.folder / name)
        index = self.folder / "pytorch_model.bin.index.json"
        index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
        return index

    def test_shards_of_an_index_become_one_file(self):
        tensors = {"a": torch.arange(6.0), "b": torch.arange(4).to(torch.float16), "c": torch.ones(2, 3)}
        index = self.save_shards({"1.bin": {"a": tensors["a"]}, "2.bin": {"c": tensors["c"], "b": tensors["b"]}},
                                 {"a": "1.bin", "b": "2.bin", "c": "2.bin"})
        target = self.folder / "out.safetensors"
        process = run(index, target)
        self.assertEqual(process.returncode, 0, process.stderr)
        self.expect(safetensors_file.read(target), tensors)

    def test_an_index_that_contradicts_its_shards_is_refused(self):
        one, target = {"a": torch.ones(1)}, self.folder / "out.safetensors"
        for shards, weight_map, reason in (
                ({"1.bin": one}, {"a": "1.bin", "b": "9.bin"}, "1 of its 2 shards are missing in its folder: 9.bin"),
                ({"1.bin": one}, {"a": "1.bin", "b": "1.bin"}, "'b' in 1.bin, which lacks it"),
                ({"1.bin": {**one, "b": one["a"]}}, {"a": "1.bin"}, "does not place tensor 'b'"),
                ({}, {"a": "../1.bin"}, "not a file name"), ({}, {"a": ["1.bin"]}, "no index"),
                ({}, ["a"], "no index"), ({}, {}, "empty"),
                ({"1.bin": [1]}, {"a": "1.bin"}, "shard 1.bin: it holds a list")):
            process = run(self.save_shards(shards, weight_map), target)
            self.assertEqual(process.returncode, 3, process.stderr)
            self.assertIn(reason, process.stderr)
            self.assertFalse(target.exists())
        self.assertIn("no index", self.refused(b"no JSON", "pytorch_model.bin.index.json"))

    def test_wrong_usage_and_disk_errors_have_their_own_exit_codes(self):
        source = self.folder / "in.pth"
        torch.save({"w": torch.ones(1)}, source)
        for arguments, code in (([], 2), (["none.pth", "out"], 2), ([source, self.folder / "no" / "out"], 1)):
            process = run(*arguments)
            self.assertEqual(process.returncode, code, process.stderr)
        self.assertIn("tied weights", run("--help").stdout)


if __name__ == "__main__":
    unittest.main()
