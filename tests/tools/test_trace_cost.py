#!/usr/bin/env python3
"""tools/trace-cost and what it shares with the other measuring tools: its statistics, and one short run.

usage: test_trace_cost.py SERVER QUARTET_TRACE
"""
import importlib.machinery
import importlib.util
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import measure  # noqa: E402: found only now


def load(name):
    """A tool without .py as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


trace_cost = load("trace-cost")


class OrderInterval(unittest.TestCase):
    """Against the tables of the sign test."""

    def test_ranks_of_the_tables(self):
        for count, rank in ((6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (30, 10)):
            values = list(range(count, 0, -1))
            self.assertEqual(measure.order_interval(values), (rank, count + 1 - rank), count)

    def test_too_few_values_have_none(self):
        for count in range(6):
            self.assertIsNone(measure.order_interval(list(range(count))), count)

    def test_covers_what_it_says_and_no_more_than_it_must(self):
        for count in range(6, 80):
            low, high = measure.order_interval(list(range(1, count + 1)))
            self.assertEqual(high, count + 1 - low)
            missed = [2 * sum(math.comb(count, i) for i in range(rank)) / 2 ** count for rank in (low, low + 1)]
            self.assertLessEqual(missed[0], 0.05, count)
            self.assertGreater(missed[1], 0.05, count)


class Judging(unittest.TestCase):
    """A goal is decided only by an interval on one side of it."""

    def test_each_side(self):
        self.assertEqual(measure.judge((-0.01, 0.02), 0.02), "reached")
        self.assertEqual(measure.judge((0.021, 0.05), 0.02), "not reached")
        self.assertEqual(measure.judge((0.01, 0.03), 0.02), "not decided")
        self.assertEqual(measure.judge(None, 0.02), "not decided")


def row(number, variant, rate, cpu_us):
    """A measurement as the tool keeps it."""
    return {"round": number, "model": "m", "connections": 1, "variant": variant, "rate": rate, "cpu_us": cpu_us,
            "lost": 0, "errors": ""}


class Pairing(unittest.TestCase):
    """The machine is twice as slow in the second round: paired, that is no cost."""

    ROWS = [row(2, "full", 45, 22), row(1, "notrace", 100, 10), row(2, "notrace", 50, 20), row(1, "full", 90, 11)]

    def test_within_rounds(self):
        costs = trace_cost.paired_costs(self.ROWS, "full")
        for values in costs.values():
            self.assertEqual([round(value, 9) for value in values], [0.1, 0.1])

    def test_against_another_variant(self):
        costs = trace_cost.paired_costs([*self.ROWS, row(1, "untimed", 180, 5.5), row(2, "untimed", 90, 11)], "full", "untimed")
        self.assertEqual({key: [round(value, 9) for value in values] for key, values in costs.items()},
                         {"rate": [0.5, 0.5], "cpu": [1, 1]})

    def test_slices_are_added_up(self):
        whole = trace_cost.sum_slices([{"count": 100, "seconds": 1, "cpu_s": 0.5, "errors": ""},
                                       {"count": 300, "seconds": 1, "cpu_s": 0.7, "errors": "late"}])
        self.assertEqual((whole["rate"], whole["cpu_us"], whole["errors"]), (200, 3000, "late"))


class Run(unittest.TestCase):
    """From end to end, on one build that stands for both."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="quartet-trace-cost-")
        self.addCleanup(self.directory.cleanup)
        self.json = pathlib.Path(self.directory.name) / "out.json"

    def call(self, *arguments, release=None):
        server = release or SERVER
        return subprocess.run([sys.executable, str(TOOLS / "trace-cost"), "--binary", f"release={server}",
                               "--binary", f"notrace={server}", "--binary", f"quartet-trace={READER}",
                               "--directory", self.directory.name, "--json", str(self.json), "--model", "loops",
                               *arguments], capture_output=True, text=True, timeout=600, check=False)

    def test_costs(self):
        done = self.call("--connections", "8", "--rounds", "1", "--slices", "1", "--seconds", "1", "--warmup", "0.1",
                         "--seed", "5")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        for variant in ("notrace", "off", "untimed", "histogram", "full", "full untimed", "socket times", "of every read"):
            self.assertRegex(done.stdout, rf"(?m)^loops +8 +{variant} +[\d,]+ ")
        self.assertIn("histogram, at most 2% fewer requests/s: not decided: loops 8", done.stdout)
        self.assertIn("full, at most 5% more CPU per request: not decided: loops 8", done.stdout)
        self.assertIn("socket times, at most 1% more CPU per request: not decided: loops 8", done.stdout)
        self.assertIn("compared with itself", done.stdout)
        said = json.loads(self.json.read_text(encoding="utf-8"))
        self.assertEqual(said["options"]["seed"], 5)
        self.assertEqual({one["variant"] for one in said["rounds"]}, set(trace_cost.VARIANTS))
        self.assertTrue(all(one["count"] > 0 and one["cpu_us"] > 0 for one in said["rounds"]))
        self.assertEqual(list(pathlib.Path(self.directory.name).iterdir()), [self.json])  # no trace is left

    def test_losses(self):
        done = self.call("--lost", "2")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertRegex(done.stdout, r"loops: 2 s, 512 connections, [\d,]+ requests answered, [\d,]+ in the trace")
        lost = json.loads(self.json.read_text(encoding="utf-8"))["lost"][0]
        self.assertGreater(lost["requests"], 0)
        self.assertLessEqual(lost["answered"] - lost["requests"], lost["lost"])
        # A connection that stays with its thread needs one record a request.
        self.assertEqual(lost["records"], lost["requests"])

    def test_a_program_that_is_missing_is_named(self):
        done = self.call(release="/nonexistent/quartet")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "trace-cost: release: there is no program /nonexistent/quartet\n")


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        print("skipped: there is no wrk here")
        sys.exit(77)
    SERVER, READER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
