"""Runs the project's binaries in tests and keeps the small set that tests share.

Binaries are found in the runfiles of the Bazel test.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

RUNFILES = pathlib.Path(os.environ.get("TEST_SRCDIR", ".")) / os.environ.get("TEST_WORKSPACE", "")
TIMEOUT_SECONDS = 600  # a hang is a failure, not a wait


def binary(label):
    """Path of the binary of a label such as `//data:prepare`."""
    package, name = label.removeprefix("//").split(":")
    return str(RUNFILES / package / name)


def run(label, *arguments, **options):
    """Runs a binary as a user would. Returns a CompletedProcess with text output."""
    return subprocess.run(
        [binary(label), *map(str, arguments)], text=True, capture_output=True,
        timeout=TIMEOUT_SECONDS, check=False, **options)


def must(label, *arguments, **options):
    """Like run, but raises AssertionError with the end of stderr if the exit code is not 0."""
    result = run(label, *arguments, **options)
    if result.returncode != 0:
        raise AssertionError(
            f"{label} {' '.join(map(str, arguments))}: exit {result.returncode}\n{result.stderr[-3000:]}")
    return result


def scratch():
    """Makes a new folder below the test's own temporary folder."""
    return pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))


TINY_CONFIG = """\
seed: 3
data:
  batch_size: 4
  img_size: 32
  short_side: 36
  num_frames: 8
  frame_interval: 1
model:
  name: r3d_nano
train:
  max_epochs: 1
  accumulate_grad_batches: 2
dataloader:
  num_workers: 2
trainer:
  log_every_steps: 1
"""


def tiny_set(folder, clips_per_class=3):
    """Makes demo clips and shards below `folder`. Returns the paths (config, clips, shards)."""
    config = folder / "tiny.yaml"
    config.write_text(TINY_CONFIG)
    clips, shards = folder / "clips", folder / "shards"
    must("//data:make_demo", f"--output={clips}", f"--clips_per_class={clips_per_class}")
    must("//data:prepare", f"--config={config}", f"--input={clips}", f"--output={shards}")
    return config, clips, shards


def held_out_shards(folder, config, clips_per_class=3):
    """Makes shards of other demo clips of the same classes. Their folder holds only the split val."""
    clips, shards = folder / "held_out_clips", folder / "held_out"
    must("//data:make_demo", f"--output={clips}", f"--clips_per_class={clips_per_class}", "--seed=1")
    must("//data:prepare", f"--config={config}", f"--input={clips}", f"--output={shards}", "--split=val")
    return shards


def copy(source, name):
    """Copies a folder to `name` beside it, so that a test can damage the copy."""
    target = source.with_name(name)
    shutil.copytree(source, target)
    return target
