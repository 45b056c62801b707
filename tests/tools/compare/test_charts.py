"""Figures as drawings: that what they say can be read."""
import pathlib
import re
import tempfile
import unittest

import support
from comparison import cells, report, svg


class Labels(unittest.TestCase):
    """The names of rows in a picture."""

    def test_of_threads_have_room(self):
        wanted = support.make_spec(models=["worker-stack", "half-sync --processors 16 --readers 2"], repetitions=2)
        records = [support.record(cell, 9000) for cell in cells.plan(wanted)]
        for one in records:
            one["status"]["threads"] = [{**one["status"]["threads"][0], "group": "rpw", "threads": 12, "most": 64}]
        with tempfile.TemporaryDirectory() as folder:
            there, plan = support.store(pathlib.Path(folder), wanted, records)
            report.write(there, wanted, plan)
            drawn = (there.folder / "figures" / "tiny-threads.svg").read_text(encoding="utf-8")
        labels = re.findall(r'<text x="([\d.]+)" y="[\d.]+" class="end">(.*?)</text>', drawn)
        self.assertEqual(
            [text for _, text in labels],
            ["worker-stack rpw: 12 of 64", "half-sync --processors 16", "--readers 2 rpw: 12 of 64"],
        )
        for x, text in labels:
            self.assertLessEqual(svg.CHARACTER * len(text), float(x))

    def test_beyond_two_lines_are_cut(self):
        self.assertEqual(svg.lines_of("a b", 99), ["a b"])
        self.assertEqual(svg.lines_of("one two three four", 60), ["one two", "three\u2026"])
        self.assertEqual(svg.lines_of("half-sync --readers 2", 100), ["half-sync", "--readers 2"])
        self.assertEqual(svg.lines_of("", 60), [""])


if __name__ == "__main__":
    unittest.main()
