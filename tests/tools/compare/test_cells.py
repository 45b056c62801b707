"""Cells: their names never change, their order is balanced, and shares of them are all of them."""
import subprocess
import sys
import unittest

import support
from comparison import cells, runner

LEVELS = {"connections": [1, 8], "shares_of_slowest": [0.5], "shares_of_own": [0.8]}


def ids(plan):
    return [cell.id for cell in plan]


class Plan(unittest.TestCase):
    def test_is_the_same_in_another_process(self):
        said = subprocess.run(
            [
                sys.executable,
                "-c",
                "import support, test_cells; print(*test_cells.ids(support.cells.plan(support.make_spec())))",
            ],
            cwd=support.REPO / "tests/tools/compare",
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(said.stdout.split(), ids(cells.plan(support.make_spec())))

    def test_names_all_cells_apart(self):
        plan = cells.plan(
            support.make_spec(levels=LEVELS, trace=True, syscalls=True, peers=["nginx"], workloads=["tiny", "cpu"])
        )
        self.assertEqual(len(set(ids(plan))), len(plan))
        # Two models with two workloads and nginx with one; 4 levels, 9 times; a trace of ours, a count of all.
        self.assertEqual(len(plan), 5 * 4 * 9 + 4 + 5)

    def test_names_change_with_what_is_measured(self):
        base = set(ids(cells.plan(support.make_spec())))
        for change in (
            {"duration": "2s"},
            {"seed": 2},
            {"server": {"args": ["--batch", "1"]}},
            {"models": ["staged --readers 2", "loops --readers 2"]},
        ):
            self.assertFalse(base & set(ids(cells.plan(support.make_spec(**change)))), change)

    def test_a_workload_with_rates_of_its_own_runs_at_those_only(self):
        spec = support.make_spec(workloads=["tiny", "near-idle"], levels={"connections": [8], "rates": [100, 500]}, trace=True)
        plan = cells.plan(spec)
        found = {(cell.workload["name"], cell.level.key, cell.purpose) for cell in plan}
        self.assertEqual(
            found,
            {("tiny", f"{level}", "measure") for level in ("closed-8", "rate-100", "rate-500")}
            | {("near-idle", "rate-100", "measure"), ("near-idle", "rate-100", "trace"), ("tiny", "rate-500", "trace")},
        )
        self.assertEqual(len(plan), spec.repetitions * 2 * 4 + 2 * 2)
        alone = support.make_spec(workloads=["near-idle"], levels={"connections": [8]})
        self.assertEqual([level.key for level in cells.levels_of(alone)], ["rate-100"])

    def test_more_repetitions_keep_the_names_of_the_first(self):
        self.assertLess(
            set(ids(cells.plan(support.make_spec(repetitions=3)))),
            set(ids(cells.plan(support.make_spec(repetitions=4)))),
        )

    def test_is_whole_repetitions_in_different_orders(self):
        plan = [cell for cell in cells.plan(support.make_spec(levels={"connections": [1, 2, 4, 8]}))]
        blocks = [plan[i : i + 8] for i in range(0, len(plan), 8)]
        self.assertTrue(all({cell.repetition for cell in block} == {i + 1} for i, block in enumerate(blocks)))
        orders = {tuple((cell.subject["name"], cell.level.key) for cell in block) for block in blocks}
        self.assertGreater(len(orders), 1)

    def test_runs_the_subjects_of_a_block_side_by_side_in_random_order(self):
        plan = cells.plan(support.make_spec(models=["staged", "loops", "acceptor"], levels=LEVELS, workloads=["tiny", "cpu"]))
        found = [plan[i : i + 3] for i in range(0, len(plan), 3)]
        for block in found:
            self.assertEqual(len({cells.block_of(cell) for cell in block}), 1)
            self.assertEqual({cell.subject["name"] for cell in block}, {"staged", "loops", "acceptor"})
        self.assertEqual(len({tuple(cell.subject["name"] for cell in block) for block in found}), 6)
        closed = [block[0] for block in found if not block[0].level.is_open]
        orders = [tuple(cells.block_of(cell)[1:3] for cell in closed if cell.repetition == nth) for nth in (1, 2, 3)]
        self.assertEqual(sorted(orders[0]), sorted(orders[1]))
        self.assertGreater(len(set(orders)), 1)

    def test_runs_what_finds_a_peak_before_what_needs_it(self):
        kinds = [cell.level.is_open for cell in cells.plan(support.make_spec(levels=LEVELS))]
        self.assertEqual(kinds, sorted(kinds))

    def test_has_the_steps_of_a_climb_after_all_other_levels(self):
        plan = cells.plan(support.make_spec(levels={"connections": [1], "shares_of_slowest": [0.5], "climb": 0.5}))
        kinds = [cell.level.kind for cell in plan]
        self.assertEqual(kinds, sorted(kinds, key=["closed", "slowest", "climb"].index))
        steps = [cell.level.value for cell in plan if cell.level.kind == "climb"]
        self.assertEqual(steps, sorted(steps))
        self.assertEqual(sorted(set(steps)), [0.5, 1, 1.5, 2, 2.5, 3])

    def test_shares_are_apart_and_together_whole(self):
        plan = cells.plan(support.make_spec(levels=LEVELS))
        shares = [ids(cells.share_of(plan, part, 3)) for part in (1, 2, 3)]
        self.assertEqual(sorted(sum(shares, [])), sorted(ids(plan)))

    def test_shares_are_whole_blocks(self):
        plan = cells.plan(support.make_spec(levels=LEVELS))
        shares = [{cells.block_of(cell) for cell in cells.share_of(plan, part, 3)} for part in (1, 2, 3)]
        self.assertFalse(shares[0] & shares[1] or shares[0] & shares[2] or shares[1] & shares[2])


class Peaks(unittest.TestCase):
    def setUp(self):
        self.spec = support.make_spec(levels=LEVELS)
        self.plan = cells.plan(self.spec)

    def records(self, rates, outcome="ok"):
        return [
            support.record(cell, rates[cell.subject["name"]] * cell.level.value, outcome=outcome)
            for cell in self.plan
            if not cell.level.is_open
        ]

    def rate(self, kind, subject, peaks):
        cell = next(cell for cell in self.plan if cell.level.kind == kind and cell.subject["name"] == subject)
        return runner.rate_of(cell, peaks)

    def test_are_the_best_level_and_shares_are_of_the_slowest_or_of_ones_own(self):
        peaks = runner.peaks_of(self.spec, self.records({"staged": 100, "loops": 200}))
        self.assertEqual(peaks, {"tiny": {"staged": 800, "loops": 1600}})
        self.assertEqual(self.rate("slowest", "loops", peaks), (400, ""))
        self.assertEqual(self.rate("own", "loops", peaks), (1280, ""))

    def test_are_not_made_of_invalid_runs(self):
        peaks = runner.peaks_of(self.spec, self.records({"staged": 100, "loops": 200}, outcome="invalid"))
        rate, why = self.rate("slowest", "loops", peaks)
        self.assertIsNone(rate)
        self.assertIn("no graded run", why)


class Climb(unittest.TestCase):
    """What a step shows."""

    def setUp(self):
        self.spec = support.make_spec(models=["loops"], levels={"connections": [1], "climb": 0.5}, repetitions=3)
        self.plan = [cell for cell in cells.plan(self.spec) if cell.level.kind == "climb"]

    def kept(self, *answered, **more):
        """Of the first step, of as many repetitions as there are rates answered, when 1000 were asked for."""
        made = [support.record(cell, rate, asked=1000, **more) for cell, rate in zip(self.plan, answered)]
        return runner.kept_steps(self.plan, {record["id"]: record for record in made}).get(("tiny", "loops"), {})

    def test_is_kept_up_with_in_most_repetitions(self):
        """Of 1000 that were due 970 less the square root of 1000 are enough."""
        self.assertEqual(self.kept(990, 900, 939), {0.5: True})
        self.assertEqual(self.kept(990, 900, 938), {0.5: False})

    def test_is_not_kept_up_with_where_no_run_is_valid(self):
        self.assertEqual(self.kept(990, 990, 990, outcome="invalid"), {0.5: False})

    def test_is_open_until_all_repetitions_have_run(self):
        self.assertEqual(self.kept(990, 990), {})
        self.assertEqual(self.kept(1, 1, 1, outcome="spared"), {})

    def test_of_one_workload_is_on_one_machine(self):
        plan = cells.plan(support.make_spec(workloads=["tiny", "zipf"], levels={"connections": [1], "climb": 0.5}, repetitions=3))
        shares = [cells.share_of(plan, part, 4) for part in (1, 2, 3, 4)]
        self.assertEqual(sorted(ids(sum(shares, []))), sorted(ids(plan)))
        for name in ("tiny", "zipf"):
            self.assertEqual(sum(any(c.level.kind == "climb" and c.workload["name"] == name for c in share) for share in shares), 1)


if __name__ == "__main__":
    unittest.main()
