"""The guides hold measured figures only, and both languages say the same."""

import json
import re
import unittest

import claims_page
import pages
import tables

CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^    \S.*\n)+", re.MULTILINE)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
UNMEASURED = re.compile(r"\d[\d.]* ?(?:%|MiB|MB|ms\b|s\b)|\bx \d\.\d|\d倍")


def read(name):
    return (pages.ROOT / "docs" / name).read_text(encoding="utf-8")


def headings(text):
    return [len(line.split()[0]) for line in CODE_BLOCK.sub("", text).splitlines() if line.startswith("#")]


def shapes(text):
    """(lines, columns) of each table."""
    found = [table.splitlines() for table in TABLE.findall(CODE_BLOCK.sub("", text))]
    return [(len(lines), lines[0].count("|")) for lines in found]


class Guides(unittest.TestCase):
    def setUp(self):
        self.figures = json.loads(pages.FIGURES.read_text(encoding="utf-8"))

    def test_every_page_holds_the_stored_figures(self):
        stale = [path.name for path, old, new in pages.new_texts(self.figures) if old != new]
        self.assertEqual(stale, [], "run tools/measure_guides.sh --pages")

    def test_both_languages_have_the_same_headings_code_and_tables(self):
        for name in pages.GUIDES:
            english, chinese = read(f"{name}.md"), read(f"{name}.zh-CN.md")
            with self.subTest(name=name):
                self.assertGreater(len(headings(english)), 2)
                self.assertEqual(headings(english), headings(chinese))
                self.assertEqual(CODE_BLOCK.findall(english), CODE_BLOCK.findall(chinese))
                self.assertEqual(INDENTED.findall(english), INDENTED.findall(chinese))
                self.assertEqual(shapes(english), shapes(chinese))
                self.assertEqual([found[1] for found in pages.BLOCK.findall(english)],
                                 [found[1] for found in pages.BLOCK.findall(chinese)])

    def test_the_same_keys_and_files_are_named_in_both_languages(self):
        for name in pages.GUIDES:
            code = [sorted(set(re.findall(r"`([^`\n]+)`", CODE_BLOCK.sub("", read(page)))))
                    for page in (f"{name}.md", f"{name}.zh-CN.md")]
            self.assertEqual(code[0], code[1], name)

    def test_no_figure_stands_outside_of_a_measured_block(self):
        for name, language in pages.PAGES.items():
            del language
            if name.endswith("claims.md"):
                continue  # quotes other people's figures
            text = pages.BLOCK.sub("", read(name.removeprefix("docs/")))
            text = re.sub(r"`[^`\n]*`", "", CODE_BLOCK.sub("", INDENTED.sub("", text)))
            self.assertEqual(UNMEASURED.findall(text), [], name)

    def test_every_table_is_used_and_every_marker_is_known(self):
        used = {found[1] for name in pages.PAGES for found in pages.BLOCK.findall(read(name.removeprefix("docs/")))}
        self.assertEqual(used, {*tables.TABLES, *claims_page.BLOCKS, "plan_page"})


class Blocks(unittest.TestCase):
    def test_only_the_block_changes(self):
        page = "a\n<!-- measured: plan_page -->\nold\n<!-- end -->\nb\n"
        figures = {"plan_page": {"figures": {"page": "new"}}}
        self.assertEqual(pages.written(page, figures, 0),
                         "a\n<!-- measured: plan_page -->\n```\nnew\n```\n<!-- end -->\nb\n")

    def test_a_verdict_follows_from_its_parts(self):
        self.assertEqual([claims_page.verdict(*parts) for parts in ((True, True), (True, False), (False, False))],
                         ["shown", "in part", "refuted"])

    def test_the_head_of_a_configuration_gets_the_peak(self):
        head = "# x\n# Predicted peak on t4_16gb: 1 MiB (estimated from tensor sizes).\ntask: classify\n"
        self.assertIn("t4_16gb: 1.50 GiB (estimated", pages.config_head(head, 3 << 29))


if __name__ == "__main__":
    unittest.main()
