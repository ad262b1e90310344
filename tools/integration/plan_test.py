"""The plan of a run: known before the run, within the budget, and what the run then does."""

import json
import os
import pathlib
import unittest

import binaries
from binaries import must, run, scratch

MODELS = {
    "r3d_nano": ["model.norm_group=1"],
    "video_vit_nano": [],
    "posec3d_nano": ["data.num_frames=16"],
    "whisper_nano": [],
}
BATCH = 4


class PlanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config = cls.folder / "tiny.yaml"
        cls.config.write_text(binaries.TINY_CONFIG)

    def arguments(self, name, model, *overrides):
        classes = [] if model.startswith("whisper") else ["model.num_classes=4"]
        return [f"--config={self.config}", f"--run={self.folder / name}", f"model.name={model}",
                "data.train=synthetic:64", *classes, "data.img_size=64", f"data.batch_size={BATCH}",
                "train.accumulate_grad_batches=1", "evaluation.strategy=no", "train.max_steps=3",
                *MODELS[model], *overrides]

    def read(self, name, file):
        return json.loads((self.folder / name / file).read_text())

    def plan(self, name, model, *overrides):
        result = must("//trainer:train", *self.arguments(name, model, *overrides), "--plan_only")
        self.assertEqual(sorted(p.name for p in (self.folder / name).iterdir() if p.suffix == ".json"),
                         ["plan.json"], "nothing is trained")
        return result.stdout, self.read(name, "plan.json")

    def plan_of(self, arguments):
        must("//trainer:train", *arguments, "--plan_only")
        folder = next(word for word in arguments if word.startswith("--run="))
        return json.loads((pathlib.Path(folder.removeprefix("--run=")) / "plan.json").read_text())

    def test_the_plan_holds_what_is_promised(self):
        page, plan = self.plan("fields", "video_vit_nano", "memory.budget=1GiB")
        self.assertEqual(plan["predicted_peak_bytes"], sum(plan["bytes"].values()))
        self.assertGreater(plan["predicted_host_peak_bytes"], plan["predicted_peak_bytes"])
        self.assertGreater(plan["predicted_step_ms"], 0)
        self.assertEqual(plan["ceiling"], {"bytes": 1 << 30, "origin": "memory.budget"})
        self.assertEqual(plan["micro_batch"], plan["micro_batch_size"])
        backward = [op["stage"] for op in plan["operations"] if op["op"] == "B"]
        forward = [op["stage"] for op in plan["operations"] if op["op"] == "F_keep"]
        self.assertEqual(len(backward), len(set(backward)), "each stage goes backward once")
        self.assertTrue(set(forward) <= set(backward))
        for words in ("video_vit_nano on cpu", "memory.budget", "Where the bytes go", "Predicted",
                      "peak of tensors", "time of a step"):
            self.assertIn(words, page)

    def test_steps_peak_where_it_was_predicted_to_the_byte_under_every_budget(self):
        for model in MODELS:
            natural = self.plan(f"{model}_natural", model)[1]["predicted_peak_bytes"]
            smallest = self.plan(f"{model}_search", model,
                                 f"memory.budget={natural}")[1]["smallest_budget_bytes"]
            for share in (1.0, 0.5, 0.0):
                budget = int(smallest + share * (natural - smallest))
                name = f"{model}_{share}"
                must("//trainer:train", *self.arguments(name, model, f"memory.budget={budget}"))
                summary = self.read(name, "summary.json")
                plan = self.read(name, "plan.json")
                with self.subTest(model=model, budget=budget, schedule=plan["schedule"]):
                    self.assertLessEqual(plan["predicted_peak_bytes"], budget)
                    self.assertEqual(summary["oom_retries"], 0)
                    self.assertEqual(summary["steps_above_prediction"], 0)
                    measured = summary["phases"]["train"]["peak_bytes"]
                    # Loss and norm of the steps between two reports are predicted for the longest
                    # such time; here every step is reported.
                    self.assertEqual(measured, plan["predicted_peak_bytes"])

    def test_release_and_paging_learn_the_same_bits_below_the_smallest_budget_without_them(self):
        def arguments(name, allow, *overrides):
            return self.arguments(name, "whisper_nano", f"memory.allow=[checkpointing, lean{allow}]",
                                  "memory.host_budget=256MiB", "checkpoint.every_steps=1",
                                  *overrides)

        natural = self.plan_of(arguments("means_natural", ""))["predicted_peak_bytes"]
        budget = f"memory.budget={natural}"
        without = self.plan_of(arguments("means_a", "", budget))["smallest_budget_bytes"]
        smallest = self.plan_of(arguments("means_b", ", release, paging",
                                          budget))["smallest_budget_bytes"]
        self.assertLess(smallest, without)
        must("//trainer:train", *arguments("means_plain", ""))
        tight = arguments("means_tight", ", release, paging", f"memory.budget={smallest}")
        must("//trainer:train", *tight, "train.max_steps=2")
        must("//trainer:train", *tight)  # goes on with the state that was saved from host memory
        plan = self.read("means_tight", "plan.json")
        self.assertTrue(plan["release"] and plan["page_optimizer"], plan["schedule"])
        summary = self.read("means_tight", "summary.json")
        self.assertEqual(summary["steps"], 3)
        self.assertEqual(summary["oom_retries"], 0)
        self.assertEqual(summary["phases"]["train"]["peak_bytes"], plan["predicted_peak_bytes"])
        latest = "checkpoints/latest/model.safetensors"
        self.assertEqual((self.folder / "means_tight" / latest).read_bytes(),
                         (self.folder / "means_plain" / latest).read_bytes())

    def test_what_is_learnt_changes_only_if_it_is_listed_and_the_run_remembers_it(self):
        def arguments(name, *overrides):
            return self.arguments(name, "r3d_nano", "model.norm_group=4", *overrides)

        natural = self.plan_of(arguments("give_natural"))["predicted_peak_bytes"]
        smallest = self.plan_of(
            arguments("give_search", f"memory.budget={natural}"))["smallest_budget_bytes"]
        budget = f"memory.budget={int(0.7 * smallest)}"
        refused = run("//trainer:train", *arguments("give_refused", budget))
        self.assertEqual(refused.returncode, 4, refused.stderr)
        allow = "memory.allow=[checkpointing, lean, split, smaller_images, fewer_frames]"
        result = must("//trainer:train", *arguments("give", budget, allow, "train.max_steps=2"))
        self.assertRegex(result.stderr, "learn something else: data.num_frames: [0-9]+ -> [0-9]+")
        plan = self.read("give", "plan.json")
        self.assertTrue(plan["concessions"][0].startswith("data.num_frames: "), plan["concessions"])
        self.assertLessEqual(plan["predicted_peak_bytes"], int(0.7 * smallest))
        again = must("//trainer:train", *arguments("give", budget, allow, "train.max_steps=4"))
        self.assertIn("as when the run began, data.num_frames", again.stderr)
        self.assertEqual(self.read("give", "plan.json")["concessions"], plan["concessions"])
        summary = self.read("give", "summary.json")
        self.assertEqual((summary["steps"], summary["oom_retries"]), (4, 0))

    def test_a_second_run_plans_from_kept_profiles_and_peaks_where_they_say(self):
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")}
        plans = []
        for name in ("measured", "kept"):
            must("//trainer:train", *self.arguments(name, "r3d_nano", "memory.budget=1GiB"),
                 env=environment)
            plans.append(self.read(name, "plan.json"))
            measured = self.read(name, "summary.json")["phases"]["train"]["peak_bytes"]
            self.assertEqual(measured, plans[-1]["predicted_peak_bytes"], name)
        kept = list((self.folder / "cache" / "slimreel" / "profiles").glob("*.profile"))
        self.assertGreater(len(kept), 0)
        for field in ("operations", "micro_batch", "bytes", "predicted_step_ms", "alternatives",
                      "smallest_budget_bytes"):
            self.assertEqual(plans[0][field], plans[1][field], field)
        for file in kept:  # damaged files are measured again
            file.write_bytes(file.read_bytes()[:100])
        must("//trainer:train", *self.arguments("damaged", "r3d_nano", "memory.budget=1GiB"),
             "--plan_only", env=environment)
        # Which sizes of micro-batch are measured beyond the first two follows from measured times.
        self.assertGreater(max(file.stat().st_size for file in kept), 100)

    def test_a_budget_below_the_smallest_ends_with_4_and_names_it(self):
        natural = self.plan("free", "r3d_nano")[1]["predicted_peak_bytes"]
        smallest = self.plan("search", "r3d_nano",
                             f"memory.budget={natural}")[1]["smallest_budget_bytes"]
        result = run("//trainer:train",
                     *self.arguments("none", "r3d_nano", f"memory.budget={smallest - 4096}"),
                     "--plan_only")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("memory.budget must be at least", result.stderr)
        forbidden = run("//trainer:train",
                        *self.arguments("forbidden", "r3d_nano", f"memory.budget={smallest}",
                                        "memory.allow=[lean]"), "--plan_only")
        self.assertEqual(forbidden.returncode, 4, forbidden.stderr)
        self.assertRegex(forbidden.stderr, "(checkpointing|split) would (save|bring)")

    def test_a_card_that_is_not_there_needs_no_weights_and_no_data(self):
        arguments = [f"--config={self.config}", f"--run={self.folder / 'card'}", "--plan_only",
                     "model.name=video_vit_small", "model.num_classes=60"]
        result = must("//trainer:train", *arguments, "--device_profile=gtx1650_4gb")
        self.assertIn("an estimate", result.stdout)
        plan = self.read("card", "plan.json")
        self.assertEqual(plan["device_profile"], "gtx1650_4gb")
        self.assertTrue(plan["time_is_estimate"])
        self.assertEqual(plan["smallest_card"], "gtx1650_4gb")
        self.assertLessEqual(plan["predicted_peak_bytes"], plan["ceiling"]["bytes"])
        unknown = run("//trainer:train", *arguments, "--device_profile=gtx1650")
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn("did you mean gtx1650_4gb", unknown.stderr)
        large = run("//trainer:train", f"--config={self.config}", f"--run={self.folder / 'large'}",
                    "--plan_only", "model.name=whisper_medium", "data.batch_size=1",
                    "--device_profile=gtx1650_4gb")
        self.assertEqual(large.returncode, 4, large.stderr)
        self.assertIn("The smallest card of the table that would do is ", large.stderr)

    def test_every_plan_learns_the_same_bits_if_the_split_is_kept(self):
        arguments = ["memory.allow=[checkpointing, lean]"]
        natural = self.plan("bits_natural", "video_vit_nano", *arguments)[1]["predicted_peak_bytes"]
        smallest = self.plan("bits_search", "video_vit_nano", f"memory.budget={natural}",
                             *arguments)[1]["smallest_budget_bytes"]
        self.assertLess(smallest, natural)
        weights = []
        for budget in (natural, (natural + smallest) // 2, smallest):
            name = f"bits_{budget}"
            must("//trainer:train",
                 *self.arguments(name, "video_vit_nano", f"memory.budget={budget}", *arguments))
            checkpoint = self.folder / name / "checkpoints" / "latest" / "model.safetensors"
            weights.append(checkpoint.read_bytes())
        self.assertEqual(weights[0], weights[1])
        self.assertEqual(weights[0], weights[2])


if __name__ == "__main__":
    unittest.main()
