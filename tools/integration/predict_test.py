"""predict treats a raw clip as prepare treated the data that the run was trained on."""

import json
import math
import shutil
import unittest

import binaries
from binaries import must, scratch


class PredictTest(unittest.TestCase):
    def test_a_raw_clip_is_scored_like_its_shard_sample_whatever_the_config_says(self):
        folder = scratch()
        config, clips, _ = binaries.tiny_set(folder, clips_per_class=2)
        shards, run = folder / "other_size", folder / "run"
        clip = sorted((clips / "left").iterdir())[0]
        one = folder / "one" / "left"
        one.mkdir(parents=True)
        shutil.copy(clip, one)
        # Stored larger than the configuration of the run says, in chunks that overlap.
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


if __name__ == "__main__":
    unittest.main()
