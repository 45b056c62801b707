"""Going through the cells: which steps a climb runs, what is not run and how it is counted, what is repeated, what a run is
worth."""
import contextlib
import io
import json
import pathlib
import re
import tempfile
import types
import unittest
from unittest import mock

import support
import test_grades
from comparison import capacity, cells, clock_gaps, experiment, figures, load, measure, one_cell, results, runner, summary, tables


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

    def test_says_once_for_all_what_cannot_be_run(self):
        self.assertEqual(
            [line for line in self.lines if "not run" in line],
            [
                "  not run: loops, tiny, shares of a peak: no graded run with a closed loop, so there is no peak to take "
                "a share of",
            ],
        )

    def test_shows_progress_of_what_runs_only(self):
        steps = [line for line in self.lines if line.startswith("[")]
        tried = [re.search(r"staged, tiny, (\d+) % of its own peak", line) for line in steps]
        self.assertEqual([one[1] for one in tried if one], ["80", "80", "120", "120"])
        self.assertEqual(len(steps), 4 + 4)

    def test_brackets_the_highest_load(self):
        """staged answers 1,000 a second and no more: 80 % of its peak, and not 120 %."""
        kept, above, known = self.summary.saturation(self.spec.workloads[0], self.spec.subjects[0])
        self.assertEqual((kept, round(above), known), (800, 1200, True))

    def test_counts_what_was_planned_and_not_run(self):
        said = tables.method(self.summary, {"nice": -5})
        self.assertTrue(said[0].startswith("8 cells, each with a new server"), said[0])
        self.assertEqual(said[1][:48], "10 more planned steps of climbs were not run, be")
        self.assertEqual(said[2][:38], "14 more planned cells were not run, be")
        self.assertEqual(len(self.plan), 8 + 10 + 14)
        self.assertEqual(self.wrong, 2 + 14)

    def test_counts_what_is_missing(self):
        part = summary.Summary(self.spec, self.summary.records[:3])
        self.assertIn(f"{len(self.plan) - 3} more planned cells were not run, or not yet.", tables.method(part, {"nice": -5}))

    def test_has_no_rows_of_what_was_not_tried(self):
        made = {figure.name: figure for figure in figures.of_workload(self.summary, self.spec.workloads[0])}
        rows = made["tiny-p99-own"].rows
        self.assertEqual([row[:2] for row in rows], [["staged", f"{share} % of its own peak"] for share in (80, 120)])


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
        report = test_grades.a_report()
        self.assertEqual(one_cell.judge(report), ("ok", ""))
        report["rate"]["answered"] = 0
        self.assertEqual(one_cell.judge(report), ("invalid", "no answer came within the window"))

    def test_a_generator_that_is_late_or_full_is_a_grade(self):
        late = {**test_grades.a_report(own_mean=50, cpu=0.99), "valid": False}
        late["invalid"] = ["the generator was late: by 1ms at p99, at most 100us is accepted", "the generator was busy for 99%"]
        self.assertEqual(one_cell.judge(late), ("ok", ""))
        found = one_cell.graded(late, "")
        self.assertEqual((found["grade"], found["bounds"]["p99_us"], found["generator_full"]), ("censored", [0.0, 400.0], True))
        self.assertIsNone(one_cell.graded(test_grades.a_report(loop="closed", cpu=0.99), "")["bounds"]["rate"][1])
        json.dumps(found)

    def test_refusals_are_a_result_and_wrong_answers_are_not(self):
        self.assertEqual(one_cell.judge(test_grades.a_report(status=900)), ("ok", ""))
        self.assertEqual(one_cell.judge(test_grades.a_report(length=1))[0], "failed")

    def test_names_full_cpus_beside_what_the_generator_says(self):
        found = one_cell.graded(test_grades.a_report(cpu=0.95), "", "server 2")
        self.assertEqual(found["grade_why"][0], "the CPUs were full: server 2")
        self.assertIn("the generator was busy", found["grade_why"][1])
        self.assertEqual(one_cell.graded(test_grades.a_report(), "", "server 2")["grade_why"], [])

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
            record = {"placement": facts, "metrics": {"cpu_us": cpu_us, "rate": 1e4, "generator_taken": generator}}
            self.assertEqual(capacity.taken_words(record), said)

    def test_a_server_that_refuses_does_not_keep_up(self):
        report = test_grades.a_report(status=5000) | {"notes": []}
        report["generator"] |= {"nice": 0, "policy": "other"}
        self.assertTrue(load.fell_behind({"load": one_cell.load_figures(report)}))

    def test_percentiles_of_few_requests_are_not_given(self):
        few, many = (load.latency_us(test_grades.a_report(count=count)) for count in (999, 1000))
        self.assertEqual((few["p99_us"], few["p50_us"], many["p99_us"]), (None, 80, 400))


class Repeats(unittest.TestCase):
    """Blocks that something outside the experiment disturbs."""

    def run_all(self, disturbed, repeats=2, kept=lambda cell: True):
        """`disturbed(cell, nth)` are the metrics of the nth run of a cell. Returns (records by cell, runs of each, what it
        said)."""
        spec = support.make_spec(levels={"connections": [1]}, repetitions=4, repeats=repeats)
        plan = cells.plan(spec)
        runs = {}

        def made(bench, cell, rate, folder):
            folder.mkdir(parents=True)
            nth = runs[cell.id] = runs.get(cell.id, 0) + 1
            one = support.record(cell, 1000 * nth)
            one["metrics"] |= disturbed(cell, nth)
            return one

        with tempfile.TemporaryDirectory() as folder, mock.patch.object(one_cell, "run", made):
            there = results.Results(pathlib.Path(folder))
            there.open()
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                runner.Runner(types.SimpleNamespace(spec=spec), there, plan).run([cell for cell in plan if kept(cell)])
            there.close()
        return [(cell, there.records.get(cell.id)) for cell in plan], runs, said.getvalue()

    def test_take_the_whole_block_and_keep_its_earlier_runs(self):
        def once(cell, nth):
            return {"stolen": 0.02} if (cell.subject["name"], cell.repetition, nth) == ("loops", 2, 1) else {}

        found, runs, said = self.run_all(once)
        for cell, record in found:
            self.assertEqual(runs[cell.id], 2 if cell.repetition == 2 else 1)
            self.assertEqual(record["metrics"]["rate"], 1000 * runs[cell.id])
            self.assertEqual(results.row_of(record)["repeated"], runs[cell.id] - 1)
        causes = [early["causes"] for _, record in found for early in record.get("earlier", [])]
        self.assertEqual(sorted(causes), [[], ["the hypervisor took 2.0 % of the CPUs' time"]])
        self.assertEqual(said.count("repeated: tiny, 1 connection, closed loop, repetition 2: the hypervisor took"), 1)

    def test_are_two_at_most_and_end_on_a_machine_that_is_always_disturbed(self):
        _, runs, said = self.run_all(lambda cell, nth: {"others_cpus": 0.5})
        by_block = [count for _, count in sorted(runs.items())]
        self.assertEqual(sorted(by_block), [1] * 2 + [3] * 6)
        self.assertIn("3 blocks in a row stayed disturbed: none is repeated any more", said)

    def test_are_as_many_as_the_spec_allows(self):
        for repeats in (0, 1):
            _, runs, _ = self.run_all(lambda cell, nth: {"clock_gaps": 0.006} if cell.repetition == 1 else {}, repeats)
            self.assertEqual(max(runs.values()), 1 + repeats)

    def test_have_no_cause_in_what_was_measured(self):
        measured = {"p99_us": 1e9, "rate": 1, "generator_waited": 1, "clock_gaps": 0.005, "stolen": 0.01, "others_cpus": 0.05}
        _, runs, _ = self.run_all(lambda cell, nth: measured)
        self.assertEqual(set(runs.values()), {1})

    def test_wait_for_the_cells_that_others_run(self):
        _, runs, _ = self.run_all(lambda cell, nth: {"stolen": 1}, kept=lambda cell: cell.subject["name"] == "loops")
        self.assertEqual(set(runs.values()), {1})


class ClockGaps(unittest.TestCase):
    TEXT = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 20 30 40 50 60 70 80 900 0\ncpu12 1 0 0 0 0 0 0 0 0 0\nintr 1 2\n"

    def share(self, seconds, *counted, idle=(0, 0, 0)):
        before = clock_gaps.Counts(100.0, dict.fromkeys(range(len(counted)), 5.0), dict.fromkeys(range(len(counted)), 2.0))
        after = clock_gaps.Counts(100.0 + seconds, {cpu: 5.0 + one for cpu, one in enumerate(counted)},
                                  {cpu: 2.0 + one for cpu, one in zip(range(len(counted)), idle)})
        return clock_gaps.share(before, after, {0, 1, 7})

    def test_are_read_for_each_cpu_without_guests(self):
        tick = measure.TICK_S
        self.assertEqual(clock_gaps.counted(self.TEXT), {0: 360 * tick, 12: tick})
        self.assertEqual(clock_gaps.counted(self.TEXT, clock_gaps.IDLE), {0: 90 * tick, 12: 0})
        self.assertTrue(clock_gaps.snapshot().by_cpu)

    def test_are_the_time_that_a_cpu_of_ours_did_not_count(self):
        self.assertAlmostEqual(self.share(10, 9.9, 10.0), 0.008)
        self.assertAlmostEqual(self.share(10, 10.0, 9.48), 0.05)
        self.assertEqual(self.share(10, 10.0, 10.0, 0.0), 0)

    def test_are_not_looked_for_where_a_cpu_was_idle(self):
        """Work between two ticks of such a CPU is in no count."""
        self.assertEqual(self.share(10, 9.0, 10.0, idle=(7, 0)), 0)
        self.assertAlmostEqual(self.share(10, 9.0, 9.9, idle=(7, 0)), 0.008)

    def test_are_not_what_is_cut_to_ticks(self):
        self.assertEqual(self.share(1, 0.98, 1.02), 0)
        self.assertAlmostEqual(self.share(1, 0.97, 1.0), 0.01)


class Announced(unittest.TestCase):
    def plan(self, workload):
        spec = support.make_spec(models=["staged"], workloads=[workload], levels={"connections": [1], "climb": 0.5}, repetitions=1)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            experiment.show_plan(spec, cells.plan(spec), {})
        return said.getvalue()

    def test_is_a_climb_only_where_there_is_one(self):
        self.assertIn("A climb brackets the highest load", self.plan("tiny"))
        self.assertIn("at most 7 cells", self.plan("tiny"))
        idle = self.plan("near-idle")  # has a rate of its own
        self.assertNotIn("climb", idle)
        self.assertIn("\n1 cell: ", idle)
        self.assertNotIn("peak", idle)


class Expectation(unittest.TestCase):
    def test_of_a_climb_is_the_search_of_a_server_that_sustains_a_little_less_than_its_peak(self):
        for step, wanted in ((0.25, {0.75, 1}), (0.4, {0.8, 1.2}), (0.1, {0.9, 1})):
            spec = support.make_spec(levels={"connections": [1], "climb": step}, repetitions=1)
            plan = cells.plan(spec)
            runs = [cell.level.value for cell, s in zip(plan, runner.expected(plan, spec)) if s and cell.level.is_open]
            self.assertEqual(set(runs), wanted)
            ordered = runner.sorted_expected(plan, spec)
            self.assertEqual(ordered, sorted(ordered, reverse=True))


class Resumed(unittest.TestCase):
    def test_climbs_go_on_where_they_were_and_end_with_a_record_for_each_cell(self):
        spec = support.make_spec(models=["staged"], levels={"connections": [1], "climb": 0.1}, repetitions=2)
        plan, runs = cells.plan(spec), []

        def counted(bench, cell, rate, folder):
            runs.append(cell.id)
            if len(runs) == 7:
                raise KeyboardInterrupt
            return pretended(bench, cell, rate and rate * 1.6, folder)

        quiet = contextlib.redirect_stdout(io.StringIO())
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(one_cell, "run", counted), quiet:
            there = results.Results(pathlib.Path(folder))
            there.open()
            with self.assertRaises(KeyboardInterrupt):
                runner.Runner(types.SimpleNamespace(spec=spec), there, plan).run(plan)
            left = [cell for cell in plan if cell.id not in there.records]
            runner.Runner(types.SimpleNamespace(spec=spec), there, plan).run(left)
            there.close()
        self.assertEqual(set(there.records), {cell.id for cell in plan})
        self.assertEqual(len(runs), len(set(runs)) + 1)
        ran = [record["level"] for record in there.records.values() if record["outcome"] == "ok"]
        tried = {level["value"] for level in ran if level["kind"] == "climb"}
        self.assertTrue({0.6, 0.7} <= tried and len(tried) == 5, tried)


if __name__ == "__main__":
    unittest.main()
