"""The calibration before an experiment: what it keeps, what it bounds, and what its absence means."""
import dataclasses
import pathlib
import tempfile
import types
import unittest
from unittest import mock

import support
from comparison import calibration, cells, placement, results, runner, tables
from comparison.summary import Summary
from comparison.trouble import Trouble

FOUND = {
    "capacity_requests_per_s": 30000.0,
    "connections": 64,
    "own_lag": [{"share": 0.2, "requests_per_s": 6000.0, "mean_us": 1.0, "p50_us": 0.5, "p99_us": 20.0}],
    "clock_gaps": {"above_us": 50, "seconds": 0.5, "count": 2, "share_of_time": 0.001, "longest_us": 300.0},
}
LEVELS = {"connections": [64], "shares_of_slowest": [0.5]}


def a_report(loop, answered):
    return {
        "loop": loop,
        "rate": {"answered": answered},
        "requests": {"good": answered},
        "errors": {},
        "latency_ns": {"own_lag": {"mean": 1000, "p50": 500, "p99": 20000}},
    }


class FakeFloor:
    url = "http://127.0.0.1:1"

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check_alive(self):
        pass


class Calibrations(unittest.TestCase):
    def measured(self, kind, answered=20000):
        """(what is found, [(rate, connections)] of the loads) with a generator that gets so many good answers a second."""
        asked = []

        def drive(options, _words, _folder, _name):
            value = {key: options[options.index(key) + 1] for key in ("--rate", "--connections") if key in options}
            asked.append((int(value["--rate"]) if "--rate" in value else None, int(value["--connections"])))
            return a_report("open" if "--rate" in value else "closed", answered)

        bench = types.SimpleNamespace(
            load_words={"args": [], "prefix": [], "nice": 3},
            driver=drive,
            spec=support.make_spec(levels={"open_connections": 16}),
            build=pathlib.Path("build"),
            cgroups=None,
            cpus=[0, 1, 2],
        )
        gaps = FOUND["clock_gaps"]
        with mock.patch.object(calibration.servers, "FloorServer", FakeFloor), mock.patch.object(
            calibration, "gaps_on", lambda cpus, nice: gaps | {"cpus": cpus, "nice": nice}
        ):
            return calibration.measure(bench, placement.Placement(kind, (0,), (1,)), pathlib.Path("none")), asked

    def test_loads_the_floor_server_in_a_closed_loop_and_at_shares_of_what_that_reached(self):
        found, asked = self.measured("apart")
        self.assertEqual(asked, [(None, 16), (4000, 16), (8000, 16), (12000, 16)])
        self.assertEqual(found["capacity_requests_per_s"], 20000)
        self.assertEqual([lag["p99_us"] for lag in found["own_lag"]], [20, 20, 20])

    def test_reads_the_clock_where_the_generator_runs(self):
        for kind, cpus in (("apart", (1,)), ("shared", [0, 1, 2])):
            gaps = self.measured(kind)[0]["clock_gaps"]
            self.assertEqual((gaps["cpus"], gaps["nice"]), (cpus, 3))
        elsewhere = self.measured(placement.ELSEWHERE)[0]
        self.assertIsNone(elsewhere["clock_gaps"])
        self.assertIn("other machines", calibration.words(elsewhere)[-1])

    def test_without_a_good_answer_is_none(self):
        with self.assertRaisesRegex(Trouble, "no good answer"):
            self.measured("apart", answered=0)

    def test_is_made_once_for_an_experiment(self):
        with tempfile.TemporaryDirectory() as folder:
            there = results.Results(folder)
            there.open()
            with mock.patch.object(calibration, "measure", lambda *_: FOUND):
                self.assertEqual(calibration.of_experiment(None, None, there), FOUND)
            with mock.patch.object(calibration, "measure", side_effect=AssertionError("again")):
                self.assertEqual(calibration.of_experiment(None, None, there), FOUND)
            there.close()

    def test_that_another_machine_stored_meanwhile_is_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            there = results.Results(folder)
            there.open()

            def slow(*_):
                there.write_json(calibration.FILE, FOUND)
                return FOUND | {"capacity_requests_per_s": 1.0}

            with mock.patch.object(calibration, "measure", slow):
                self.assertEqual(calibration.of_experiment(None, None, there), FOUND)
            self.assertEqual(there.read_json(calibration.FILE), FOUND)
            there.close()

    def test_that_cannot_be_made_bounds_nothing_and_says_why(self):
        with tempfile.TemporaryDirectory() as folder:
            there = results.Results(folder)
            there.open()
            with mock.patch.object(calibration, "measure", side_effect=Trouble("no floor")):
                found = calibration.of_experiment(None, None, there)
            there.close()
        self.assertIsNone(calibration.rate_most(found))
        self.assertIn("no floor", calibration.words(found)[0])

    def test_reads_gaps_of_a_clock_that_a_program_reads(self):
        found = calibration.gaps_on({0}, 0)
        self.assertGreaterEqual(found["seconds"], calibration.SPIN_S)
        self.assertLessEqual(found["share_of_time"], 1)
        self.assertEqual(found["count"] == 0, found["longest_us"] == 0)
        self.assertLessEqual(found["longest_us"] * 1e-6, found["share_of_time"] * found["seconds"] + 1e-9)


class Rates(unittest.TestCase):
    def rate(self, kind, value, most):
        level = cells.Level(kind, value, 64)
        cell = types.SimpleNamespace(level=level, workload={"name": "w"}, subject={"name": "s"})
        return runner.rate_of(cell, {"w": {"s": 40000, "slower": 30000}}, most)[0]

    def test_that_all_share_are_bounded_and_others_are_not(self):
        self.assertEqual(self.rate("slowest", 0.5, None), 15000)
        self.assertEqual(self.rate("slowest", 0.5, 12000), 12000)
        self.assertEqual(self.rate("slowest", 0.1, 12000), 3000)
        self.assertEqual(self.rate("own", 0.9, 12000), 36000)
        self.assertEqual(self.rate("rate", 50000, 12000), 50000)

    def test_are_whole_and_not_below_one_a_second(self):
        level = cells.Level("slowest", 0.01, 64)
        cell = types.SimpleNamespace(level=level, workload={"name": "w"}, subject={"name": "s"})
        self.assertEqual(runner.rate_of(cell, {"w": {"s": 151}}), (2, ""))
        rate, why = runner.rate_of(cell, {"w": {"s": 99}})
        self.assertIsNone(rate)
        self.assertEqual(why, "1 % of a peak of 99/s is less than one request a second")

    def summary(self, rate, levels):
        wanted = support.make_spec(models=["staged"], levels=levels)
        found = [
            support.record(cell, 32000, 1.0, asked=rate if cell.level.is_open else None) for cell in cells.plan(wanted)
        ]
        summary = Summary(wanted, found)
        summary.calibration = FOUND
        return summary

    def test_that_were_lowered_are_listed(self):
        self.assertEqual(tables.lowered(self.summary(9000.0, LEVELS)), [])
        said = tables.lowered(self.summary(12000.0, LEVELS))
        self.assertRegex(said[0], r"Lowered to 12,000/s, 0.4 G: tiny, 50 % of the slowest's peak \(instead of 16,000/s\)")

    def test_of_the_spec_above_the_bound_are_listed(self):
        said = tables.lowered(self.summary(20000.0, {"connections": [], "rates": [20000]}))
        self.assertRegex(said[0], r"Above 0.4 G.*: tiny, 20,000 requests/s")


class Peaks(unittest.TestCase):
    def test_are_found_once_where_a_workload_has_no_closed_loop(self):
        wanted = support.make_spec(models=["staged", "loops"], repetitions=3, levels={"connections": [], "shares_of_slowest": [0.5]})
        plan = cells.plan(wanted)
        self.assertEqual([cell.purpose for cell in plan], ["peak"] * 2 + ["measure"] * 6)
        self.assertEqual(runner.peak_finders(plan), plan[:2])
        found = [support.record(cell, rate, 1.0) for cell, rate in zip(plan, (100, 80))]
        self.assertEqual(runner.peaks_of(wanted, found), {"tiny": {"staged": 100, "loops": 80}})
        self.assertEqual(Summary(wanted, found).places, {})

    def test_a_workload_runs_at_its_own_levels(self):
        wanted = support.make_spec(models=["staged"], repetitions=1, levels={"connections": [8]})
        own = {**wanted.workloads[0], "name": "other", "connections": [2], "shares_of_slowest": [0.3]}
        wanted = dataclasses.replace(wanted, workloads=[*wanted.workloads, own])
        plan = [(cell.workload["name"], cell.level.key, cell.purpose) for cell in cells.plan(wanted)]
        self.assertEqual(
            sorted(plan),
            [("other", "closed-2", "measure"), ("other", "slowest-0.3", "measure"), ("tiny", "closed-8", "measure")],
        )
        self.assertEqual(cells.most_connections(wanted), 64)


if __name__ == "__main__":
    unittest.main()
