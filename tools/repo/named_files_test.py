"""Every file that a page or a comment names exists. The pages of docs/walks name many files."""

import pathlib
import tempfile
import unittest

import named_files


class Repo(unittest.TestCase):

    def test_every_named_file_exists(self):
        self.assertEqual(named_files.missing(named_files.ROOT), [])

    def test_the_walks_name_files(self):
        for page in ("frame", "gradient", "key"):
            text = (named_files.ROOT / "docs" / "walks" / f"{page}.md").read_text(encoding="utf-8")
            files = {name for _, name, _ in named_files.names_in_markdown(text)}
            self.assertGreater(len(files), 10, page)


class MadePages(unittest.TestCase):

    def missing(self, path, text):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "data").mkdir()
            (root / "data/there.h").write_text("")
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            return named_files.missing(root)

    def test_a_dead_link_is_found(self):
        self.assertEqual(self.missing("docs/a.md", "See [it](../data/there.h), [that](gone.md)."),
                         ["docs/a.md:1: gone.md"])

    def test_a_dead_name_is_found(self):
        self.assertEqual(self.missing("docs/a.md", "`data/there` and\n`data/gone.h`\n"),
                         ["docs/a.md:2: data/gone.h"])

    def test_a_dead_name_in_a_comment_is_found(self):
        self.assertEqual(self.missing("base/a.h", "// See data/gone.h.\nint data/gone.h;\n"),
                         ["base/a.h:1: data/gone.h"])

    def test_a_dead_name_in_a_table_of_files_is_found(self):
        self.assertEqual(
            self.missing("data/README.md", "| file | what |\n|---|---|\n| `there`, `gone` | x |\n"),
            ["data/README.md:3: gone"])
        self.assertEqual(self.missing("data/README.md", "| key | what |\n|---|---|\n| `a` | x |\n"),
                         [])

    def test_addresses_and_headings_are_not_files(self):
        self.assertEqual(self.missing("docs/a.md", "[a](https://b.c) [d](#e) [f](../data/there.h#g)"),
                         [])


if __name__ == "__main__":
    unittest.main()
