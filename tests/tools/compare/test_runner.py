"""Going through a climb: what is not run, and that it is said once, counted, and in no table."""
import contextlib
import io
import pathlib
import tempfile
import types
import unittest
from unittest import mock

import support
from comparison import capacity, cells, figures, one_cell, results, runner, summary, tables


def pretended(bench, cell, rate, folder):
    """loops has no valid closed loop; staged answers 1,000 a second and no more."""
    folder.mkdir(parents=True)
    if cell.subject["name"] == "loops":
        return support.record(cell, 2000, outcome="invalid", why="the generator was busy")
    return support.record(cell, min(rate or 1000, 1000), asked=rate)


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.spec = support.make_spec(levels={"connections": [1], "climb": 0.4}, repetitions=2)
        cls.plan = cells.plan(cls.spec)
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(one_cell, "run", pretended):
            there = results.Results(pathlib.Path(folder))
            there.open()
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                cls.wrong = runner.Runner(types.SimpleNamespace(spec=cls.spec), there, cls.plan).run(cls.plan)
            there.close()
        cls.lines = said.getvalue().splitlines()
        cls.summary = summary.Summary(cls.spec, list(there.records.values()))

    def test_says_once_for_all_what_is_not_run(self):
        """Of the steps to 280 % staged is full at 120 %."""
        self.assertEqual(
            [line for line in self.lines if "not run" in line],
            [
                "  not run: loops, tiny, shares of a peak: no valid run with a closed loop, so there is no peak to take "
                "a share of",
                "  not run: staged, tiny, higher steps: it did not keep up with the step below",
            ],
        )

    def test_shows_progress_of_what_runs_only(self):
        steps = [line for line in self.lines if line.startswith("[")]
        self.assertEqual(len(steps), 4 + 3 * 2)
        self.assertEqual([line.split("/")[0].strip("[ ") for line in steps], [str(n) for n in (1, 2, 3, 4, *self.at())])
        self.assertFalse(any("160 %" in line or "loops, tiny, 40 %" in line for line in steps), steps)

    def at(self):
        """Where in the plan the steps that run stand, from 1."""
        return [
            nth for nth, cell in enumerate(self.plan, 1)
            if cell.subject["name"] == "staged" and cell.level.kind == "climb" and cell.level.value < 1.5
        ]

    def test_counts_what_was_planned_and_not_run(self):
        said = tables.method(self.summary, {"nice": -5})
        self.assertTrue(said[0].startswith("10 cells, each with a new server"), said[0])
        self.assertEqual(said[1][:47], "8 more planned steps of climbs were not run, be")
        self.assertEqual(said[2][:38], "14 more planned cells were not run, be")
        self.assertEqual(len(self.plan), 10 + 8 + 14)
        self.assertEqual(self.wrong, 2 + 14)

    def test_counts_what_is_missing(self):
        part = summary.Summary(self.spec, self.summary.records[:3])
        self.assertIn(f"{len(self.plan) - 3} more planned cells were not run, or not yet.", tables.method(part, {"nice": -5}))

    def test_has_no_rows_of_what_was_not_tried(self):
        made = {figure.name: figure for figure in figures.of_workload(self.summary, self.spec.workloads[0])}
        rows = made["tiny-p99-own"].rows
        self.assertEqual([row[:2] for row in rows], [["staged", f"{share} % of its own peak"] for share in (40, 80, 120)])


class Peaks(unittest.TestCase):
    def test_are_found_whatever_else_is_open(self):
        """Rates and shares of a peak stand in random order."""
        spec = support.make_spec(
            models=["staged"], levels={"connections": [1], "rates": [100, 200, 300], "shares_of_slowest": [0.1, 0.2, 0.3]},
        )
        plan = cells.plan(spec)
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(one_cell, "run", pretended):
            there = results.Results(pathlib.Path(folder))
            there.open()
            with contextlib.redirect_stdout(io.StringIO()):
                wrong = runner.Runner(types.SimpleNamespace(spec=spec), there, plan).run(plan)
            there.close()
        self.assertEqual((wrong, len(there.records)), (0, len(plan)))
        self.assertEqual({r["rate_asked"] for r in there.records.values() if r["level"]["kind"] == "slowest"}, {100, 200, 300})


class Judgement(unittest.TestCase):
    def test_a_window_without_an_answer_is_no_measurement(self):
        report = {"errors": {}, "valid": True, "invalid": [], "rate": {"answered": 0}}
        self.assertEqual(one_cell.judge(report), ("invalid", "no answer came within the window"))
        self.assertEqual(one_cell.judge({**report, "rate": {"answered": 7.5}}), ("ok", ""))


    def test_names_full_cpus_beside_what_the_generator_says(self):
        report = {"errors": {}, "valid": False, "invalid": ["it was late"], "rate": {"answered": 7.5}}
        self.assertEqual(one_cell.judge(report), ("invalid", "it was late"))
        self.assertEqual(one_cell.judge(report, "server 2"), ("invalid", "it was late; the CPUs were full: server 2"))

    def test_calls_cpus_full_by_what_both_sides_took(self):
        place = {"kind": "shared", "server_cpus": "0-1", "generator_cpus": "0-1"}
        apart = {"kind": "apart", "server_cpus": "0", "generator_cpus": "1"}
        for facts, cpu_us, generator, said in (
            (place, 100, 0.95, "server 1.00 + generator 0.95 of 2 CPUs"),
            (place, 80, 0.95, ""),
            (apart, 99, 0.2, "server 0.99 of one CPU"),
            (apart, 80, 0.99, ""),
            (None, 200, 1, ""),
            (apart, None, 1, ""),
        ):
            record = {"placement": facts, "metrics": {"cpu_us": cpu_us, "rate": 1e4, "generator_cpu": generator}}
            self.assertEqual(capacity.taken_words(record), said)


class Expectation(unittest.TestCase):
    def test_ends_a_climb_at_the_first_step_above_the_peak(self):
        for step, last in ((0.25, 1.25), (0.4, 1.2), (0.5, 1.5)):
            spec = support.make_spec(levels={"connections": [1], "climb": step}, repetitions=1)
            plan = cells.plan(spec)
            runs = [cell.level.value for cell, s in zip(plan, runner.expected(plan, spec)) if s and cell.level.is_open]
            self.assertEqual(max(runs), last)


if __name__ == "__main__":
    unittest.main()
