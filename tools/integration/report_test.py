"""RUN/report.html in a browser: it loads nothing, fits a phone, and its numbers are the run's."""

import json
import os
import pathlib
import unittest

import binaries
from binaries import must, run, scratch
from chromium import Chromium

SIZES = ((390, 844), (1440, 900))
PLOT_HEIGHT = 300  # of the SVG's own coordinates


def at(json_value, path):
    for key in path.split("."):
        json_value = json_value[key]
    return json_value


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=4)
        cls.val = binaries.held_out_shards(cls.folder, cls.config)
        cls.train("plain", "evaluation.strategy=no", "train.max_steps=3")
        # A name that would be a tag if it were not escaped.
        cls.train("<b>&'evaluated'", f"data.val={cls.val}", "evaluation.strategy=steps",
                  "evaluation.every_steps=2", "checkpoint.every_steps=2", "train.max_steps=6",
                  "memory.budget=64MiB")
        cls.browser = Chromium()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()

    @classmethod
    def arguments(cls, name, *more):
        return (f"--config={cls.config}", f"--run={cls.folder / name}", f"data.train={cls.shards}",
                "train.max_epochs=100", *more)

    @classmethod
    def train(cls, name, *more):
        must("//trainer:train", *cls.arguments(name, *more))

    def json(self, name, file):
        return json.loads((self.folder / name / file).read_text())

    def open(self, name, size=SIZES[1], dark=False):
        self.browser.open(self.folder / name / "report.html", *size, dark=dark)
        if "TEST_UNDECLARED_OUTPUTS_DIR" in os.environ:
            shown = "plain" if name == "plain" else "evaluated"
            self.browser.screenshot(pathlib.Path(os.environ["TEST_UNDECLARED_OUTPUTS_DIR"]) /
                                    f"{shown}_{size[0]}{'_dark' if dark else ''}.png")

    def runs(self):
        return ("plain", "<b>&'evaluated'")

    def test_the_page_loads_nothing_and_reports_no_error(self):
        for name in self.runs():
            for size in SIZES:
                self.open(name, size)
                requests = [event["request"]["url"] for event in
                            self.browser.of("Network.requestWillBeSent")]
                # The page itself, and the empty icon that is part of it.
                self.assertEqual([url for url in requests if not url.startswith("data:")], requests[:1])
                self.assertTrue(requests[0].startswith("file:"), requests)
                self.assertEqual(self.browser.of("Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                                 "Log.entryAdded"), [])

    def test_no_page_scrolls_sideways(self):
        for name in self.runs():
            for size in SIZES:
                for dark in (False, True):
                    self.open(name, size, dark)
                    self.browser.evaluate(
                        "document.querySelectorAll('details').forEach(each => each.open = true)")
                    self.assertEqual(self.browser.evaluate("window.innerWidth"), size[0])
                    self.assertLessEqual(
                        self.browser.evaluate("document.documentElement.scrollWidth"), size[0])

    def test_every_marked_number_is_the_summarys(self):
        for name in self.runs():
            self.open(name)
            summary = self.json(name, "summary.json")
            numbers = self.browser.evaluate(
                "[...document.querySelectorAll('data[data-key]')].map(each => "
                "[each.dataset.key, each.value])")
            of_summary = [(key, value) for key, value in numbers if not key.startswith("step.")]
            for key, value in of_summary:
                self.assertEqual(float(value), at(summary, key), key)
            shown = {key for key, _ in of_summary}
            for key in ("peak_bytes.device", "peak_bytes.reserved", "peak_bytes.host", "step_ms",
                        "samples_per_second", "steps", "epochs", "oom_retries"):
                self.assertIn(key, shown)
            if summary["metrics"]:
                self.assertIn("metrics.top1", shown)

    def test_the_top_of_the_steps_curve_is_the_runs_peak(self):
        # Without an evaluation and with a plan that fits, all steps have the peak of the first one.
        self.open("plain")
        peak = self.json("plain", "summary.json")["peak_bytes"]["device"]
        chart = "document.querySelector('#step-memory')"
        self.assertEqual(float(self.browser.evaluate(f"{chart}.dataset.top")), peak)
        marked = self.browser.evaluate("document.querySelector('[data-key=\"step.peak_bytes\"]').value")
        self.assertEqual(int(marked), peak)
        # The highest area as it is drawn.
        top = self.browser.evaluate(f"{chart}.querySelector('svg.plot path.area').getBBox().y")
        y_min, y_max = (float(self.browser.evaluate(f"{chart}.dataset.{key}")) for key in ("yMin", "yMax"))
        drawn = y_max - (y_max - y_min) * top / PLOT_HEIGHT
        self.assertAlmostEqual(drawn / peak, 1.0, places=2)

    def test_names_are_shown_as_text(self):
        name = "<b>&'evaluated'"
        self.open(name)
        self.assertEqual(self.browser.evaluate("document.querySelector('h1').textContent"), name)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('h1 b').length"), 0)

    def test_events_and_curves_of_the_run_are_there(self):
        self.open("<b>&'evaluated'")
        text = self.browser.evaluate("document.querySelector('#events').textContent")
        self.assertIn("evaluation", text)
        self.assertIn("checkpoints/step_00000006", text)
        figures = self.browser.evaluate("[...document.querySelectorAll('figure')].map(each => each.id)")
        for figure in ("step-memory", "run-memory", "loss", "metrics", "throughput", "lr"):
            self.assertIn(figure, figures)
        self.assertIn("budget", self.browser.evaluate(
            "document.querySelector('#run-memory .legend').textContent"))

    def test_profile_step_lists_each_allocation_and_changes_nothing(self):
        self.train("profiled", "evaluation.strategy=no", "train.max_steps=3", "--profile_step=2")
        trace = self.json("profiled", "step_trace.json")
        self.assertEqual(trace["otherData"]["step"], 2)
        plain = self.json("plain", "step_trace.json")
        self.assertEqual(plain["otherData"]["step"], 1)
        live = peak = 0
        for event in trace["traceEvents"]:
            if event["ph"] == "C" and live == 0:
                live = peak = sum(event["args"].values())  # before the step
            if event["ph"] == "i":
                sign = 1 if event["name"] == "allocate" else -1
                live += sign * event["args"]["bytes"]
                peak = max(peak, live)
        self.assertEqual(peak, trace["otherData"]["peak_bytes"])
        names = {event["name"] for event in trace["traceEvents"] if event["ph"] == "X"}
        self.assertTrue(any(name.startswith("F_keep(") for name in names), names)
        self.assertIn("update", names)
        weights = [(self.folder / name / "checkpoints" / "latest" / "model.safetensors").read_bytes()
                   for name in ("plain", "profiled")]
        self.assertTrue(weights[0] == weights[1], "the same weights")

    def test_a_step_that_the_run_does_not_do_cannot_be_profiled(self):
        for step in (4, -1):
            result = run("//trainer:train", *self.arguments(
                f"refused{step}", "evaluation.strategy=no", "train.max_steps=3", f"--profile_step={step}"))
            self.assertEqual(result.returncode, 2, result.stderr[-1000:])
            self.assertIn("1 to 3", result.stderr)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
