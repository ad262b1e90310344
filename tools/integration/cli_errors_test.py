"""Mistakes of users: each gives an exit code and a message, and leaves nothing half-written."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import unittest

import binaries
from binaries import must, run, scratch


def names_in_help():
    """Every key that --help_config prints (its first column)."""
    text = must("//data:prepare", "--help_config").stdout
    return sorted(set(re.findall(r"^\s*((?:[a-z_0-9]+\.)*[a-z_0-9]+)\s", text, re.M))
                  & set(re.findall(r"[a-z_0-9.]+", text)))


@contextlib.contextmanager
def small_disk(test, folder, size):
    """Mounts a disk of `size` bytes at `folder`. Skips the test if that is not possible."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        test.skipTest("a small tmpfs cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=False)


class CliErrorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, cls.clips, cls.shards = binaries.tiny_set(cls.folder)

    def expect(self, result, code, *parts):
        self.assertEqual(result.returncode, code, result.stderr[-2000:])
        self.assertNotIn("what():", result.stderr)
        self.assertNotIn("terminate called", result.stderr)
        for part in parts:
            self.assertIn(str(part), result.stderr)

    def prepare(self, source, output, *more):
        return run("//data:prepare", f"--config={self.config}", f"--input={source}",
                   f"--output={output}", *more)

    def test_a_second_process_in_a_run_folder_is_refused_and_changes_nothing(self):
        folder = self.folder / "taken"
        folder.mkdir()
        with open(folder / ".train.lock", "w", encoding="utf-8") as lock:
            lock.write("process 1")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = run("//trainer:train", f"--config={self.config}", f"--run={folder}",
                         f"data.train={self.shards}", "train.max_steps=1")
        self.expect(result, 2, folder, "is training in this run folder", "another --run")
        self.assertEqual([path.name for path in folder.iterdir()], [".train.lock"])

    def test_absent_paths_and_checkpoints_name_their_key_or_flag(self):
        folder = self.folder / "no_run"
        self.expect(run("//trainer:train", f"--config={self.config}", f"--run={folder}", "data.train=nowhere"),
                    2, "data.train", "nowhere")
        self.assertFalse(folder.exists())
        self.expect(run("//trainer:evaluate"), 2, "--run=DIR is missing")
        (folder / "checkpoints").mkdir(parents=True)
        shutil.copy(self.config, folder / "config.yaml")
        self.expect(run("//trainer:evaluate", f"--run={folder}"), 3, "no checkpoint in")
        self.expect(run("//trainer:train", f"--config={self.config}", f"--run={folder}", "--resume=autoo",
                        f"data.train={self.shards}"), 2, "autoo", "auto and none")

    def test_stray_arguments_are_refused_and_not_ignored(self):
        folder = self.folder / "stray"
        for stray in ("memory_budget=1MiB", "stray", "memory.budget = 1MiB"):
            self.expect(run("//trainer:train", f"--config={self.config}", f"--run={folder}",
                            f"data.train={self.shards}", stray), 2, stray.split()[0])
            self.assertFalse(folder.exists())
        self.expect(run("//trainer:evaluate", f"--run={folder}", "foo"), 2, "foo")

    def test_every_misspelt_key_names_the_right_one(self):
        keys = [key for key in names_in_help() if "." in key]
        self.assertGreater(len(keys), 60)
        for key in keys:
            section, last = key.rsplit(".", 1)
            wrong = f"{section}.{last[:-1]}{'x' if last[-1] != 'x' else 'y'}q"
            result = self.prepare(self.clips, self.folder / "no", f"{wrong}=1")
            self.expect(result, 2, wrong, key)

    def test_all_mistakes_of_a_file_are_reported_at_once_with_their_lines(self):
        bad = self.folder / "bad.yaml"
        bad.write_text("data:\n  batch_sise: 8\n  num_frames: many\ntrain:\n  lr: -1\nmodle:\n  name: x\n")
        result = run("//data:prepare", f"--config={bad}", f"--input={self.clips}",
                     f"--output={self.folder / 'no'}")
        self.expect(result, 2, f"{bad}:2", "data.batch_size", f"{bad}:3", f"{bad}:5", f"{bad}:6", "model")
        self.assertFalse((self.folder / "no").exists())

    def test_misused_flags(self):
        for arguments in (["--confg=x"], ["--output"], ["stray"], [],
                          [f"--config={self.folder}/missing.yaml", "--input=x", "--output=y"]):
            result = run("//data:prepare", *arguments)
            self.expect(result, 2)
            self.assertTrue(result.stderr.strip())
        self.expect(run("//data:prepare", f"--confg={self.config}"), 2, "config")
        self.expect(run("//trainer:train", "--confg=x"), 2, "config")
        self.expect(run("//trainer:evaluate", f"--run={self.folder}/none"), 2, "none")
        self.expect(run("//models:model", "describe", "--model=r3d_nan"), 2, "r3d_nano")

    def test_inputs_without_a_usable_video(self):
        empty = self.folder / "empty"
        empty.mkdir()
        result = self.prepare(empty, self.folder / "out_empty")
        self.assertIn(result.returncode, (2, 3))
        self.assertIn(str(empty), result.stderr)
        text = self.folder / "text"
        text.mkdir()
        (text / "a.mp4").write_text("this is no video\n" * 100)
        result = self.prepare(text, self.folder / "out_text")
        self.expect(result, 3, "prepare_report.jsonl")
        report = (self.folder / "out_text" / "prepare_report.jsonl").read_text()
        self.assertIn("a.mp4", report)
        self.assertIn("not_media", report)
        self.assertFalse(list((self.folder / "out_text").glob("*.tar")))

    def test_a_truncated_video_is_kept_or_rejected_with_a_reason(self):
        source = sorted(self.clips.rglob("*.mp4"))
        folder = self.folder / "cut"
        folder.mkdir()
        (folder / "whole.mp4").write_bytes(source[0].read_bytes())
        data = source[1].read_bytes()
        (folder / "cut.mp4").write_bytes(data[:len(data) // 2])
        output = self.folder / "out_cut"
        self.expect(self.prepare(folder, output), 0)
        report = (output / "prepare_report.jsonl").read_text()
        self.assertRegex(report, r'cut\.mp4.*"(partial|rejected)"|"(partial|rejected)".*cut\.mp4')

    def test_unwritable_output(self):
        self.expect(self.prepare(self.clips, "/proc/nowhere"), 1, "/proc/nowhere")
        result = run("//trainer:train", f"--config={self.config}", "--run=/proc/nowhere",
                     f"data.train={self.shards}")
        self.expect(result, 1, "/proc/nowhere")

    def test_full_disk_stops_cleanly(self):
        disk = self.folder / "disk"
        with small_disk(self, disk, 600 * 1024):
            result = self.prepare(self.clips, disk / "shards", "data.shard_size=200KB")
            self.expect(result, 1, "No space left on device", disk / "shards")
            left = sorted((disk / "shards").glob("*.tar"))
            self.assertTrue(left, "complete shards are kept")
            for tar in left:
                subprocess.run(["tar", "tf", tar], check=True, capture_output=True)
            names = {path.name for path in (disk / "shards").iterdir() if path.suffix != ".lock"}
            whole = {tar.with_suffix(suffix).name for tar in left for suffix in (".tar", ".idx")}
            self.assertEqual(names, whole | {"prepare_report.jsonl", ".prepare-train.jsonl"},
                             "nothing half-written")
            must("//data:shards", "verify", disk / "shards")

    def test_damaged_shard(self):
        damaged = binaries.copy(self.shards, "damaged")
        tar = sorted(damaged.glob("*.tar"))[0]
        data = bytearray(tar.read_bytes())
        data[len(data) // 2] ^= 0xFF
        tar.write_bytes(data)
        self.expect(run("//data:shards", "verify", damaged), 3, tar.name)
        tar.write_bytes(data[:len(data) // 3])
        # The error may name either file of the pair, because they no longer match.
        self.expect(run("//data:shards", "verify", damaged), 3, tar.stem)
        result = run("//trainer:train", f"--config={self.config}", f"--run={self.folder / 'r1'}",
                     f"data.train={damaged}")
        self.expect(result, 3, tar.stem)

    def test_damaged_checkpoint_falls_back_or_says_so(self):
        folder = self.folder / "run_damaged"
        must("//trainer:train", f"--config={self.config}", f"--run={folder}",
             f"data.train={self.shards}", "checkpoint.every_steps=1")
        steps = sorted((folder / "checkpoints").glob("step_*"))
        self.assertGreater(len(steps), 1)
        weights = steps[-1] / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        result = run("//trainer:train", f"--config={self.config}", f"--run={folder}",
                     f"data.train={self.shards}", "checkpoint.every_steps=1")
        self.expect(result, 0, steps[-1].name, steps[-2].name)
        for step in (folder / "checkpoints").glob("step_*"):
            (step / "model.safetensors").write_bytes(b"nothing")
        result = run("//trainer:train", f"--config={self.config}", f"--run={folder}",
                     f"data.train={self.shards}", "checkpoint.every_steps=1")
        self.expect(result, 3, "checkpoint")

    def test_a_full_disk_while_training_keeps_the_complete_checkpoints(self):
        def arguments(folder):
            return [f"--config={self.config}", f"--run={folder}", f"data.train={self.shards}",
                    "train.max_epochs=100", "train.max_steps=8", "checkpoint.every_steps=1",
                    "checkpoint.keep=100", "evaluation.strategy=no"]
        must("//trainer:train", *arguments(self.folder / "room"), "train.max_steps=1")
        size = sum(file.stat().st_size for file in
                   (self.folder / "room" / "checkpoints" / "latest").iterdir())
        disk = self.folder / "small_disk"
        with small_disk(self, disk, 3 * size + size // 2):
            folder = disk / "run"
            self.expect(run("//trainer:train", *arguments(folder)), 1, "No space left", folder)
            left = sorted(path.name for path in (folder / "checkpoints").iterdir())
            steps = [name for name in left if name.startswith("step_")]
            self.assertGreaterEqual(len(steps), 2)
            self.assertEqual(left, ["latest", *steps], "nothing half-written")
            self.assertEqual(os.readlink(folder / "checkpoints" / "latest"), steps[-1])
            for name in steps:
                must("//trainer:evaluate", f"--run={folder}", "--split=train",
                     f"--checkpoint={folder / 'checkpoints' / name}")
            subprocess.run(["mount", "-o", f"remount,size={20 * size}", disk], check=True)
            result = must("//trainer:train", *arguments(folder))
            self.assertIn(steps[-1], result.stderr)
            self.assertIn("steps: 8 of 8", result.stdout)

    def test_a_limit_that_leaves_no_batch_to_evaluate_is_refused(self):
        folder = self.folder / "limited"
        val = binaries.held_out_shards(self.folder, self.config)
        result = run("//trainer:train", f"--config={self.config}", f"--run={folder}",
                     f"data.train={self.shards}", f"data.val={val}",
                     "trainer.limit_val_batches=0.01")
        self.expect(result, 2, "trainer.limit_val_batches leaves none", "evaluation.strategy: no")
        self.assertFalse(folder.exists())

    def test_a_wrong_value_is_reported_with_all_other_mistakes_before_data_are_opened(self):
        bad = self.folder / "words.yaml"
        bad.write_text("evaluation:\n  metric: top2\ntrain:\n  lr: -1\n  optimizer: adamm\n"
                       "data:\n  train: /nowhere\nmodel:\n  name: r3d_nano\n")
        result = run("//trainer:train", f"--config={bad}", f"--run={self.folder / 'no'}")
        self.expect(result, 2, f"{bad}:2: evaluation.metric", "did you mean top1?", f"{bad}:4: train.lr",
                    f"{bad}:5: train.optimizer", "did you mean adamw?")
        self.assertNotIn("/nowhere", result.stderr)

    def test_an_absent_device_is_refused_and_the_available_ones_are_named(self):
        for device in ("cuda:97", "cuda:-1", "cuda:x"):
            result = run("//trainer:train", f"--config={self.config}", f"--run={self.folder / 'no'}",
                         f"data.train={self.shards}", f"trainer.device={device}")
            self.expect(result, 2, "trainer.device is", device, "auto", "cpu")
            self.assertNotIn("internal error", result.stderr)

    def test_all_missing_required_keys_are_reported_at_once(self):
        self.expect(run("//trainer:train", f"--run={self.folder / 'no'}"), 2, "data.train is not set",
                    "model.name is not set")

    def test_evaluation_with_other_classes_names_both_classes_and_a_remedy(self):
        folder = self.folder / "classes"
        must("//trainer:train", f"--config={self.config}", f"--run={folder}",
             f"data.train={self.shards}", "train.max_steps=1", "evaluation.strategy=no")
        one = self.folder / "one_class"
        shutil.copytree(self.clips / "left", one / "port")
        shards = self.folder / "one_class_shards"
        must("//data:prepare", f"--config={self.config}", f"--input={one}", f"--output={shards}")
        result = run("//trainer:evaluate", f"--run={folder}", f"--data={shards}")
        self.expect(result, 2, shards, "class 0 is port in the data, clockwise in the run", "--data")

    def test_norms_over_a_single_value_are_refused_before_the_run(self):
        folder = self.folder / "one_value"
        tiny = (f"--config={self.config}", f"--run={folder}", "model.name=resnet18", "data.img_size=32",
                "data.num_frames=1", "model.num_classes=2", "data.batch_size=4", "evaluation.strategy=no")
        result = run("//trainer:train", *tiny, "data.train=synthetic:9")
        self.expect(result, 2, "one value a channel", "data.img_size", "model.norm_group: frozen")
        self.assertFalse(folder.exists())
        for good in ("data.train=synthetic:8", "train.max_steps=1", "model.norm_group=frozen"):
            folder_of_good = self.folder / good.replace("=", "_").replace(":", "_")
            must("//trainer:train", *tiny, f"--run={folder_of_good}", "data.train=synthetic:9",
                 "train.max_epochs=1", good)

    def test_unusable_label_lists_are_refused_by_name(self):
        folder = self.folder / "lists"
        folder.mkdir()
        clip = sorted((self.clips / "left").glob("*.mp4"))[0]

        def refused(name, text, *parts, code=2):
            (folder / name).write_text(text)
            output = folder / "never"
            result = self.prepare(self.clips, output, f"--annotations={folder / name}")
            self.expect(result, code, name, *parts)
            self.assertEqual(list(output.glob("*.tar")), [])

        self.expect(self.prepare(self.clips, folder / "never", f"--annotations={folder}"), 2, folder,
                    "Is a directory", "name a file")
        refused("other.txt", "x.mp4 1\ny.mp4 2\n", "none of its 2 lines names a video")
        refused("other.json", '["x.mp4"]', "other.json:1", "allowed are")
        refused("minus.txt", f"{clip} -1\n", "minus.txt:1", "`-1` is no label")
        (folder / "many.csv").write_text(f"path,label\n{clip},400000\n")
        self.expect(self.prepare(folder / "many.csv", folder / "never"), 2, "many.csv:2", "column of labels")
        refused("turned.csv", f"label,path\n3,{clip}\n", "turned.csv:1", "path and label")

    def test_an_input_without_a_video_is_named_and_repeated_inputs_add_up(self):
        folder = self.folder / "inputs"
        (folder / "not_mounted").mkdir(parents=True)
        left = self.clips / "left"
        clips = sorted(left.glob("*.mp4"))
        shards = folder / "shards"
        result = self.prepare(self.clips, shards, f"--input={folder / 'not_mounted'}")
        self.expect(result, 3, folder / "not_mounted", "holds no video")
        self.assertEqual(list(shards.glob("*.tar")), [])
        result = self.prepare(clips[0], shards, f"--input={clips[1]}")
        self.expect(result, 0)
        report = (shards / "prepare_report.jsonl").read_text()
        self.assertIn(clips[0].name, report)
        self.assertIn(clips[1].name, report)
        shutil.copy(clips[0], folder / "twin.mp4")
        shutil.copy(clips[1], folder / "twin.avi")
        (folder / "twin.kpts.npy").write_bytes(b"")
        result = self.prepare(f"{folder / 'twin.mp4'},{folder / 'twin.avi'}", folder / "never")
        self.expect(result, 2, folder / "twin.kpts.npy", folder / "twin.mp4", folder / "twin.avi")

    def test_nothing_fits_the_budget(self):
        result = run("//trainer:train", f"--config={self.config}", f"--run={self.folder / 'r2'}",
                     f"data.train={self.shards}", "memory.budget=1MiB")
        self.expect(result, 4, "budget")


if __name__ == "__main__":
    unittest.main()
