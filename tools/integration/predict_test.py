"""predict processes a raw clip as prepare processed the data that the run was trained on."""

import json
import math
import os
import resource
import shutil
import subprocess
import unittest

import binaries
from binaries import must, scratch


class PredictTest(unittest.TestCase):
    def test_a_raw_clip_is_scored_like_its_shard_sample_whatever_the_config_says(self):
        folder = scratch()
        config, clips, _ = binaries.tiny_set(folder, clips_per_class=2)
        shards, run = folder / "other_size", folder / "run"
        must("//data:make_demo", f"--output={folder / 'others'}", "--clips_per_class=1", "--seed=1")
        clip = next((folder / "others" / "left").iterdir())
        one = folder / "one" / "left"
        one.mkdir(parents=True)
        shutil.copy(clip, one)
        # The frames are stored larger than the configuration of the run says, in chunks that overlap.
        prepare = ["//data:prepare", f"--config={config}", f"--output={shards}", "data.short_side=50",
                   "data.max_video_frames=10", "data.chunk_overlap=2"]
        must(*prepare, f"--input={clips}")
        must(*prepare, f"--input={folder / 'one'}", "--split=test")
        must("//trainer:train", f"--config={config}", f"--run={run}", f"data.train={shards}",
             "train.max_steps=3", "evaluation.strategy=no")
        evaluated = json.loads(must("//trainer:evaluate", f"--run={run}", f"--data={shards}", "--json",
                                    "--checkpoint=latest").stdout)["metrics"]
        predicted = json.loads(must("//trainer:predict", f"--run={run}", f"--input={clip}", "--json",
                                    "--checkpoint=latest").stdout)
        self.assertEqual(evaluated["videos"], 1)
        self.assertEqual(evaluated["clips"], predicted["clips"])
        self.assertGreater(predicted["clips"], 1)
        self.assertAlmostEqual(-math.log(predicted["probabilities"]["left"]), evaluated["loss"], places=5)

    def test_each_file_has_a_line_with_its_status(self):
        folder = scratch()
        config, clips, shards = binaries.tiny_set(folder, clips_per_class=2)
        run = folder / "run"
        must("//trainer:train", f"--config={config}", f"--run={run}", f"data.train={shards}",
             "train.max_steps=1", "evaluation.strategy=no")
        clip = sorted((clips / "left").iterdir())[0]
        comma, text = folder / "left, whole.mp4", folder / "text.mp4"
        shutil.copy(clip, comma)
        text.write_text("no video")
        alone = must("//trainer:predict", f"--run={run}", f"--input={comma}", "--json")
        self.assertEqual(json.loads(alone.stdout)["status"], "ok")
        both = must("//trainer:predict", f"--run={run}", f"--input={clip},{text}", "--json")
        good, bad = map(json.loads, both.stdout.splitlines())
        self.assertEqual((good["path"], good["status"]), (str(clip), "ok"))
        self.assertEqual((bad["path"], bad["status"], bad["reason"]), (str(text), "failed", "not_media"))
        self.assertIn("text.mp4", both.stderr)

    def test_a_machine_error_is_not_blamed_on_a_file(self):
        folder = scratch()
        config, clips, shards = binaries.tiny_set(folder, clips_per_class=2)
        run = folder / "run"
        must("//trainer:train", f"--config={config}", f"--run={run}", f"data.train={shards}",
             "train.max_steps=1", "evaluation.strategy=no")
        clip = sorted((clips / "left").iterdir())[0]
        files = 500
        command = [binaries.binary("//trainer:predict"), f"--run={run}", "--json", "--checkpoint=latest"]
        said = folder / "errors.txt"
        with (said.open("w") as stderr,
              subprocess.Popen(command + [str(clip)] * files, stdout=subprocess.PIPE, stderr=stderr,
                               text=True) as predict):
            lines = [predict.stdout.readline()]
            # From now on no file can be opened.
            resource.prlimit(predict.pid, resource.RLIMIT_NOFILE, (0, 0))
            lines += predict.stdout.readlines()
        errors = said.read_text()
        self.assertEqual(predict.returncode, 1, errors)
        self.assertEqual({json.loads(line)["status"] for line in lines}, {"ok"})
        self.assertIn(f"{len(lines)} of {files} files are labelled", errors)
        self.assertIn("ulimit -n", errors)

    def test_class_names_that_are_not_utf8_keep_their_bytes(self):
        folder = scratch()
        config, clips, _ = binaries.tiny_set(folder, clips_per_class=2)
        clips, shards, run = os.fsencode(clips), folder / "bytes", folder / "run"
        names = ((b"left", b"caf\xe9"), (b"right", b"caf\xe8"))  # Latin-1: two names, not one
        for place, split in enumerate(("train", "val")):
            named = os.fsencode(folder / split)
            for old, new in names:
                clip = sorted(os.listdir(os.path.join(clips, old)))[place]
                os.makedirs(os.path.join(named, new))
                shutil.copy(os.path.join(clips, old, clip), os.path.join(named, new))
            must("//data:prepare", f"--config={config}", f"--input={os.fsdecode(named)}", f"--output={shards}",
                 f"--split={split}")
        train = ["//trainer:train", f"--config={config}", f"--run={run}", f"data.train={shards}", f"data.val={shards}",
                 "data.batch_size=2", "train.accumulate_grad_batches=1"]
        must(*train, "train.max_steps=1")
        must(*train, "train.max_steps=2", "--allow_config_change")  # the names in the state equal those in the data
        evaluated = must("//trainer:evaluate", f"--run={run}", f"--data={shards}", "--json", "--checkpoint=latest")
        self.assertEqual(json.loads(evaluated.stdout)["metrics"]["videos"], 2)
        clip = sorted(os.listdir(os.path.join(named, b"caf\xe9")))[0]
        path = os.fsdecode(os.path.join(named, b"caf\xe9", clip))
        predicted = json.loads(must("//trainer:predict", f"--run={run}", f"--input={path}", "--json",
                                    "--checkpoint=latest").stdout)
        # base/byte_text.h: a byte that is not UTF-8 becomes the code point U+EF00 + byte.
        self.assertEqual(set(predicted["probabilities"]), {"caf\uefe8", "caf\uefe9"})
        self.assertIn(predicted["label"], predicted["probabilities"])
        self.assertTrue(predicted["path"].endswith("caf\uefe9/" + os.fsdecode(clip)))

    def test_diverged_weights_never_become_best_and_predict_nothing(self):
        folder = scratch()
        config, clips, shards = binaries.tiny_set(folder, clips_per_class=2)
        run = folder / "run"
        must("//trainer:train", f"--config={config}", f"--run={run}", f"data.train={shards}",
             f"data.val={binaries.held_out_shards(folder, config)}", "train.lr=1e30", "train.max_steps=3",
             "evaluation.metric=top1")
        self.assertFalse((run / "checkpoints" / "best").is_symlink())
        clip = sorted((clips / "left").iterdir())[0]
        predicted = binaries.run("//trainer:predict", f"--run={run}", f"--input={clip}")
        self.assertEqual(predicted.returncode, 3, predicted.stderr)
        self.assertIn("are no numbers", predicted.stderr)
        self.assertIn("tensors hold NaN or infinity", predicted.stderr)


if __name__ == "__main__":
    unittest.main()
