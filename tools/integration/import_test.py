"""`model import` as users call it: files of other programs, exit codes, and files that transformers reads back."""

import array
import json
import math
import os
import subprocess
import unittest

import binaries
import safetensors_file
from binaries import must, run, scratch

MODEL = "//models:model"

# Runs in the Python that has transformers (SLIMREEL_PARITY_PYTHON). argv: folder. Writes hf/ in
# shards. If ours/ exists, compares it with hf/ instead.
TRANSFORMERS = """
import pathlib, sys
import torch
from transformers import VideoMAEConfig, VideoMAEForVideoClassification
folder = pathlib.Path(sys.argv[1])
config = VideoMAEConfig(hidden_size=128, num_hidden_layers=4, num_attention_heads=4, intermediate_size=512,
                        image_size=32, num_frames=16, num_labels=5)
ours = folder / "ours"
if ours.is_dir():
    config.save_pretrained(ours)
    got = VideoMAEForVideoClassification.from_pretrained(ours).state_dict()
    want = VideoMAEForVideoClassification.from_pretrained(folder / "hf").state_dict()
    assert got.keys() == want.keys()
    assert all(torch.equal(got[key], want[key]) for key in want)
else:
    VideoMAEForVideoClassification(config).save_pretrained(folder / "hf", max_shard_size="500KB")
    assert (folder / "hf" / "model.safetensors.index.json").exists()
"""


def import_weights(name, weights, output, *flags):
    return run(MODEL, "import", f"--model={name}", f"--weights={weights}", f"--output={output}",
               "--img_size=32", *flags)


class ImportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()

    def written_by_transformers(self):
        python = os.environ.get("SLIMREEL_PARITY_PYTHON")
        if not python:
            self.skipTest("SLIMREEL_PARITY_PYTHON is not set (tools/parity/setup.sh prints it)")
        if subprocess.run([python, "-c", "import torch, transformers"], capture_output=True).returncode:
            self.skipTest("no transformers there (tools/parity/setup_transformers.sh installs it)")
        process = subprocess.run([python, "-c", TRANSFORMERS, self.folder], capture_output=True, text=True)
        self.assertEqual(process.returncode, 0, process.stderr[-2000:])

    def test_transformers_shards_are_imported_and_transformers_reads_the_result(self):
        self.written_by_transformers()
        output = self.folder / "ours" / "model.safetensors"
        output.parent.mkdir()
        result = import_weights("video_vit_nano", self.folder / "hf", output)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Hugging Face VideoMAE", result.stdout)
        self.assertIn("for 5 classes", result.stdout)
        self.assertNotIn("anew", result.stdout)
        self.written_by_transformers()

    def nano(self):
        """All weights of video_vit_nano under the published names. The values are small and finite."""
        dim, layers = 128, 4
        shapes = {"videomae.embeddings.patch_embeddings.projection.weight": [dim, 3, 2, 16, 16],
                  "videomae.embeddings.patch_embeddings.projection.bias": [dim],
                  "fc_norm.weight": [dim], "fc_norm.bias": [dim],
                  "classifier.weight": [5, dim], "classifier.bias": [5]}
        for layer in range(layers):
            at = f"videomae.encoder.layer.{layer}."
            for what in ("query", "key", "value"):
                shapes[f"{at}attention.attention.{what}.weight"] = [dim, dim]
            for what in ("q_bias", "v_bias"):
                shapes[f"{at}attention.attention.{what}"] = [dim]
            for key, sizes in (("attention.output.dense", [dim, dim]), ("intermediate.dense", [4 * dim, dim]),
                               ("output.dense", [dim, 4 * dim]), ("layernorm_before", [dim]),
                               ("layernorm_after", [dim])):
                shapes[f"{at}{key}.weight"], shapes[f"{at}{key}.bias"] = sizes, sizes[:1]
        tensors = {}
        for place, (name, sizes) in enumerate(shapes.items()):
            count = math.prod(sizes)
            values = array.array("f", ((i % 97 + place) / 97 for i in range(count)))
            tensors[name] = ("F32", sizes, values.tobytes())
        return tensors

    def test_both_names_of_each_bias_are_written_on_request_and_read_again(self):
        source, both, again = (self.folder / f"{name}.safetensors" for name in ("published", "both", "again"))
        safetensors_file.write(source, self.nano())
        result = import_weights("video_vit_nano", source, both, "--both_bias_names")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("and 8 biases a second time", result.stdout)
        expected = self.nano()
        for name in list(expected):
            for first, second in (("q_bias", "query.bias"), ("v_bias", "value.bias")):
                if name.endswith(first):
                    expected[name.replace(first, second)] = expected[name]
        self.assertEqual(safetensors_file.read(both), expected)
        result = import_weights("video_vit_nano", both, again)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(safetensors_file.read(again), self.nano())

    def test_weights_with_nan_or_infinity_exit_2_and_are_named(self):
        path, output = self.folder / "nan.safetensors", self.folder / "nan_out.safetensors"
        name = "videomae.encoder.layer.3.intermediate.dense.weight"
        for value in ("nan", "inf", "-inf"):
            tensors = self.nano()
            values = array.array("f", tensors[name][2])
            values[12345] = float(value)
            tensors[name] = ("F32", tensors[name][1], values.tobytes())
            safetensors_file.write(path, tensors)
            result = import_weights("video_vit_nano", path, output)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(f"{name}: 1 of 65536 values", result.stderr)
            self.assertFalse(output.exists())

    def head_alone(self, name):
        """Writes a file that holds only r3d_nano's head, for 6 classes."""
        path = self.folder / f"{name}.safetensors"
        safetensors_file.write(path, {"fc.weight": ("F32", [6, 64], bytes(4 * 6 * 64)),
                                      "fc.bias": ("F32", [6], bytes(24))})
        return path

    def test_a_wrong_file_exits_2_and_names_what_is_missing(self):
        result = import_weights("r3d_nano", self.head_alone("head"), self.folder / "none.safetensors")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("missing in the file: ", result.stderr)
        self.assertIn("stem.0.weight [16, 3, 3, 5, 5]", result.stderr)
        self.assertIn("more", result.stderr)
        self.assertFalse((self.folder / "none.safetensors").exists())

    def test_a_damaged_file_exits_3_and_wrong_usage_exits_2(self):
        cut = self.folder / "cut.safetensors"
        cut.write_bytes(self.head_alone("whole").read_bytes()[:-1])
        index = self.folder / "set" / "model.safetensors.index.json"
        index.parent.mkdir()
        index.write_text(json.dumps({"weight_map": {"a": "gone.safetensors"}}))
        pickle = self.folder / "model.pth"
        pickle.write_bytes(b"PK\x03\x04")
        output = self.folder / "out.safetensors"
        for weights, code, words in ((cut, 3, "cut.safetensors"), (index.parent, 3, "gone.safetensors"),
                                     (pickle, 2, "weights_to_safetensors.py"), (self.folder / "no", 2, "no")):
            result = import_weights("r3d_nano", weights, output)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn(words, result.stderr)
        self.assertEqual(run(MODEL, "import", "--model=r3d_nano").returncode, 2)
        self.assertFalse(output.exists())


if __name__ == "__main__":
    unittest.main()
