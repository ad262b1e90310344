"""The whole path on real videos: prepare all of them, train 20 steps, stop, resume, evaluate, predict.

The test is skipped if SLIMREEL_MEDIA does not name a folder.
"""

import json
import os
import pathlib
import unittest

import binaries
from binaries import must, scratch

CONFIG = """\
data:
  batch_size: 2
  img_size: 56
  num_frames: 8
  max_video_frames: 60
model:
  name: r3d_nano
train:
  accumulate_grad_batches: 2
  max_epochs: 100
trainer:
  log_every_steps: 5
"""


class MediaTest(unittest.TestCase):
    def setUp(self):
        self.media = pathlib.Path(os.environ.get("SLIMREEL_MEDIA") or "/nonexistent")
        if not self.media.is_dir():
            self.skipTest("SLIMREEL_MEDIA names no folder of real media")

    def test_the_main_job_on_every_given_video(self):
        folder = scratch()
        config = folder / "media.yaml"
        config.write_text(CONFIG)
        videos = sorted((self.media / "video").iterdir())
        labels = folder / "labels.txt"
        labels.write_text("".join(f"{path} {'long' if i % 2 else 'short'}\n" for i, path in enumerate(videos)))
        shards, run = folder / "shards", folder / "run"
        must("//data:prepare", f"--config={config}", f"--input={labels}", f"--output={shards}")
        report = [json.loads(line) for line in (shards / "prepare_report.jsonl").read_text().splitlines()]
        self.assertEqual(len(report), len(videos))
        for row in report:
            self.assertIn(row["status"], ("ok", "partial"), row)
        must("//data:shards", "verify", shards)

        train = ["//trainer:train", f"--config={config}", f"--run={run}", f"data.train={shards}",
                 f"data.val={shards}"]
        must(*train, "train.max_steps=10", "evaluation.strategy=no")
        must(*train, "train.max_steps=20", "evaluation.strategy=no")
        self.assertTrue((run / "checkpoints" / "step_00000020").is_dir())
        result = must("//trainer:evaluate", f"--run={run}", "--split=train", "--json")
        self.assertIn("top1", json.loads(result.stdout)["metrics"])
        result = must("//trainer:predict", f"--run={run}", f"--input={videos[0]}", "--json")
        prediction = json.loads(result.stdout.splitlines()[0])
        self.assertIn(prediction["label"], ("long", "short"))


if __name__ == "__main__":
    unittest.main()
