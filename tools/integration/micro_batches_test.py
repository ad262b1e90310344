"""A step is charged for one micro-batch of input, and however its batch is cut, it learns the same."""

import json
import os
import struct
import unittest

import binaries
import safetensors_file
from binaries import must, scratch

EFFECTIVE = 8
SAMPLES = 19  # an epoch: steps of 8, 8 and a short 3
SIZE = 32
FRAMES = 8
SAMPLE_BYTES = 3 * FRAMES * SIZE * SIZE
TOLERANCE = 1e-10  # of weights at precision 64; a split changes rounding only


class MicroBatchesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config = cls.folder / "tiny.yaml"
        cls.config.write_text(binaries.TINY_CONFIG)

    def train(self, name, micro_batch, *overrides, flags=()):
        must("//trainer:train", f"--config={self.config}", f"--run={self.folder / name}", *flags,
             f"data.train=synthetic:{SAMPLES}", "model.name=video_vit_nano", "model.num_classes=4",
             "model.dropout=0.1", f"data.img_size={SIZE}", f"data.num_frames={FRAMES}",
             f"data.batch_size={micro_batch}", f"train.accumulate_grad_batches={EFFECTIVE // micro_batch}",
             "evaluation.strategy=no", "train.max_epochs=100", *overrides)
        return self.json(name, "summary.json")

    def json(self, name, file):
        return json.loads((self.folder / name / file).read_text())

    def samples_of_steps(self, name):
        lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line)["samples"] for line in lines]

    def model(self, name):
        return self.folder / name / "checkpoints" / "latest" / "model.safetensors"

    def largest_difference(self, name, other):
        first, second = (safetensors_file.read(self.model(run)) for run in (name, other))
        self.assertEqual(first.keys(), second.keys())
        largest = 0.0
        for key, (dtype, _, data) in first.items():
            self.assertEqual(dtype, "F64", key)
            values, others = (struct.unpack(f"<{len(raw) // 8}d", raw) for raw in (data, second[key][2]))
            largest = max(largest, *(abs(a - b) for a, b in zip(values, others, strict=True)))
        return largest

    def test_only_one_micro_batch_is_charged_and_the_prediction_says_so_to_the_byte(self):
        for micro_batch in (1, 2, 4, 8):
            name = f"charged{micro_batch}"
            summary = self.train(name, micro_batch, "train.max_steps=4")
            self.assertEqual(self.samples_of_steps(name), [8, 8, 3, 8])
            with self.subTest(micro_batch=micro_batch):
                plan = self.json(name, "plan.json")
                self.assertEqual(plan["bytes"]["input"], micro_batch * SAMPLE_BYTES)
                self.assertEqual(summary["peak_by_tag"]["input"], micro_batch * SAMPLE_BYTES)
                self.assertEqual(summary["phases"]["train"]["peak_bytes"], plan["predicted_peak_bytes"])

    def test_the_batch_that_the_loader_holds_is_the_hosts(self):
        size, frames, effective = 224, 16, 32
        # Without workers one batch is in the loader's memory, however fast the machine is.
        summary = self.train("host", 1, "train.max_steps=2", "data.train=synthetic:64", f"data.img_size={size}",
                             f"data.num_frames={frames}", f"train.accumulate_grad_batches={effective}",
                             "dataloader.num_workers=0")
        batch = effective * 3 * frames * size * size
        self.assertEqual(summary["loader"]["peak_bytes"], batch)
        plan = self.json("host", "plan.json")
        self.assertEqual(plan["bytes"]["input"], batch // effective)
        self.assertEqual(summary["phases"]["train"]["peak_bytes"], plan["predicted_peak_bytes"])
        self.assertGreater(5 * batch, plan["predicted_host_peak_bytes"], "the batch is a large part of it")
        self.assertAlmostEqual(summary["peak_bytes"]["host"] / plan["predicted_host_peak_bytes"], 1.0, delta=0.05)

    def test_every_split_learns_the_same_also_from_a_short_last_batch(self):
        for micro_batch in (8, 4, 2, 1):
            self.train(f"split{micro_batch}", micro_batch, "train.max_steps=7", "trainer.precision=64")
        self.assertEqual(self.samples_of_steps("split2"), [8, 8, 3, 8, 8, 3, 8])
        for micro_batch in (4, 2, 1):
            self.assertLess(self.largest_difference(f"split{micro_batch}", "split8"), TOLERANCE)
        self.assertNotEqual(self.model("split1").read_bytes(), self.model("split8").read_bytes(),
                            "they were cut in different ways")

    def test_a_plan_that_is_tightened_in_the_middle_runs_the_same_batch_again(self):
        # There is one such plan, so the planner has no choice that depends on time.
        keys = ("memory.schedule=keep", "memory.allow=[checkpointing]")
        peak = self.train("free", 2, "train.max_steps=7", *keys)["phases"]["train"]["peak_bytes"]
        budget = f"memory.budget={peak}"
        self.assertEqual(self.train("tightened", 2, "train.max_steps=1", budget, *keys)["oom_retries"], 0)
        # The plan stays, but losses that wait for the next report now take bytes that it lacks.
        summary = self.train("tightened", 2, "train.max_steps=7", budget, *keys, "trainer.log_every_steps=100")
        self.assertEqual((summary["oom_retries"], summary["schedule"]), (1, "checkpoint"))
        self.assertLessEqual(summary["peak_bytes"]["device"], peak)
        lines = (self.folder / "tightened" / "metrics.jsonl").read_text().splitlines()
        retried = [number for number, line in enumerate(lines) if json.loads(line)["oom_retries"] > 0]
        self.assertEqual(len(retried), 1)
        self.assertIn(retried[0], range(1, 6), "neither the first step nor the last")
        self.assertEqual(self.samples_of_steps("tightened"), [8, 8, 3, 8, 8, 3, 8])
        self.assertEqual(self.model("tightened").read_bytes(), self.model("free").read_bytes())


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
