"""Every include of the repo points down, and the folders of a package form no circle."""

import pathlib
import tempfile
import unittest

import include_graph


class Repo(unittest.TestCase):

    def test_no_include_points_up_and_no_folders_form_a_circle(self):
        graph = include_graph.arrows(include_graph.ROOT)
        self.assertGreater(len(graph), 100, "the sources were not found")
        self.assertEqual(include_graph.faults(graph), [])


class MadeTrees(unittest.TestCase):
    """Tests include_graph itself, on small trees."""

    def graph(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, headers in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text("".join(f'#include "{h}"\n' for h in headers))
            return include_graph.arrows(root)

    def test_an_arrow_up_is_found(self):
        graph = self.graph({"memory/stage/a.h": ["models/chain/model.h"]})
        self.assertEqual(
            include_graph.faults(graph),
            ['memory/stage/a.h includes "models/chain/model.h": memory/stage may not use models/chain'])

    def test_data_and_models_do_not_meet(self):
        self.assertEqual(len(include_graph.upward(self.graph({"data/a.h": ["models/b.h"]}))), 1)
        self.assertEqual(len(include_graph.upward(self.graph({"models/a.h": ["data/b.h"]}))), 1)

    def test_a_circle_over_three_folders_is_found(self):
        graph = self.graph({"data/a/a.h": ["data/b/b.h"], "data/b/b.cc": ["data/c/c.h"],
                            "data/c/c.h": ["data/a/a.h"], "data/d/d.h": ["data/a/a.h"]})
        self.assertEqual(include_graph.circles(graph), [["data/a", "data/b", "data/c"]])

    def test_tests_and_mains_may_join_floors(self):
        graph = self.graph({"memory/a_test.cc": ["models/b.h"], "data/c_main.cc": ["trainer/d.h"]})
        self.assertEqual(include_graph.faults(graph), [])

    def test_down_is_allowed(self):
        graph = self.graph({"trainer/a.h": ["data/b.h", "models/c/c.h", "base/d.h"]})
        self.assertEqual(include_graph.faults(graph), [])


if __name__ == "__main__":
    unittest.main()
