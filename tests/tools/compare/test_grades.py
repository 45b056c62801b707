"""Grades: what a run's figures are worth, from the report of its load generator alone."""
import copy
import math
import re
import unittest

import support
from comparison import grades

NAMES = ("mean", "p50", "p90", "p99", "p999", "max")


def figures(count, **values_us):
    """Percentiles of a latency in a report; those that are not given are those below them."""
    found, last = {"count": count}, 0
    for name in NAMES:
        last = values_us.get(name, last)
        found[name] = last * 1000
    return found


def a_report(loop="open", count=20000, cpu=0.4, waited=0.0, own_mean=1, own_p99=10, asked=None, dropped=0, **errors):
    """Of one second, with a mean latency of 100 us and a p99 of 400 us."""
    seen = {"connect": 0, "reset": 0, "timeout": 0, "malformed": 0, "status": 0, "length": 0, "hash": 0} | errors
    latency = figures(count, mean=100, p50=80, p90=200, p99=400, p999=900)
    return {
        "loop": loop,
        "valid": True,
        "invalid": [],
        "window": {"seconds": 1.0},
        "rate": {"asked": (count if asked is None else asked) if loop == "open" else 0, "due": count, "answered": count},
        "requests": {"due": count, "good": count - dropped - sum(seen.values()), "dropped": dropped},
        "errors": {name: {"count": number, "first": None} for name, number in seen.items()},
        "run": {"statuses": {"200": count - seen["status"], "503": seen["status"]}},
        "latency_ns": {
            "from_due": latency,
            "from_send": figures(count, mean=90, p50=75, p90=180, p99=350, p999=800),
            "own_lag": figures(count, mean=own_mean, p50=own_mean, p99=own_p99) if loop == "open" else figures(count),
        },
        "generator": {"cpu_share": cpu, "runqueue_ns": waited * 1e9},
    }


class Names(unittest.TestCase):
    def grade(self, **values):
        return grades.grade(a_report(**values)).name

    def test_are_clean_up_to_5_percent_of_the_mean_and_10_of_the_percentile(self):
        self.assertEqual(self.grade(own_mean=5, own_p99=40), "clean")
        self.assertEqual(self.grade(own_mean=5.1, own_p99=40), "bracketed")
        self.assertEqual(self.grade(own_mean=5, own_p99=41), "bracketed")

    def test_are_bracketed_up_to_25_percent(self):
        self.assertEqual(self.grade(own_mean=25, own_p99=100), "bracketed")
        self.assertEqual(self.grade(own_mean=25.1), "censored")
        self.assertEqual(self.grade(own_p99=101), "censored")

    def test_count_the_lag_of_receiving_where_it_is_reported(self):
        report = a_report(own_mean=4)
        report["latency_ns"]["receive_lag"] = figures(20000, mean=2, p99=10)
        self.assertEqual(grades.grade(report).name, "bracketed")

    def test_rest_on_the_percentile_that_there_is(self):
        """Of 500 requests there is no p99, so the lag at p90 counts."""
        self.assertEqual(self.grade(count=500, own_p99=390), "clean")

    def test_count_the_wait_for_a_cpu_in_both_loops(self):
        for loop in ("open", "closed"):
            self.assertEqual(self.grade(loop=loop, waited=0.05), "clean")
            self.assertEqual(self.grade(loop=loop, waited=0.2), "bracketed")
            self.assertEqual(self.grade(loop=loop, waited=0.3), "censored")

    def test_are_censored_where_the_generator_is_full(self):
        for loop in ("open", "closed"):
            self.assertEqual(self.grade(loop=loop, cpu=0.9), "clean")
            self.assertEqual(self.grade(loop=loop, cpu=0.95), "censored")
        self.assertEqual(self.grade(asked=30000), "censored")
        self.assertEqual(self.grade(asked=20300), "clean")

    def test_are_censored_where_answers_are_missing(self):
        self.assertEqual(self.grade(dropped=20), "clean")
        self.assertEqual(self.grade(dropped=30), "censored")
        self.assertEqual(self.grade(timeout=30), "censored")

    def test_say_why(self):
        self.assertEqual(grades.grade(a_report()).why, ())
        self.assertIn("busy for 95 % of the time", grades.grade(a_report(cpu=0.95)).why[0])
        self.assertEqual(grades.grade(a_report(own_mean=8)).why, ("8 % of the latency (mean) was the generator's lag",))
        self.assertIn("0.5 % of the requests had no good answer", grades.grade(a_report(timeout=100)).why)

    def test_never_depend_on_how_fast_the_server_is(self):
        """The same shares, with all times ten times as long or short."""
        for factor in (0.1, 10):
            for values in ({}, {"own_mean": 9}, {"own_mean": 40}):
                report = a_report(**values)
                scaled = copy.deepcopy(report)
                for one in scaled["latency_ns"].values():
                    one.update({name: factor * one[name] for name in NAMES})
                self.assertEqual(grades.grade(scaled).name, grades.grade(report).name)

    def test_of_several_runs_the_worst_counts(self):
        self.assertEqual(grades.worst(["clean", "censored", "bracketed"]), "censored")
        self.assertIsNone(grades.worst([]))


class Bounds(unittest.TestCase):
    def test_of_a_clean_run_there_are_none(self):
        for loop in ("open", "closed"):
            self.assertEqual(grades.grade(a_report(loop=loop)).bounds, {})

    def test_of_an_open_loop_are_from_send_and_from_due(self):
        found = grades.grade(a_report(own_mean=8)).bounds
        self.assertEqual(found["p99_us"], (350, 400))
        self.assertEqual(found["mean_us"], (90, 100))
        self.assertNotIn("rate", found)

    def test_of_a_closed_loop_are_without_the_wait(self):
        found = grades.grade(a_report(loop="closed", waited=0.2)).bounds
        self.assertEqual(found["rate"], (20000, 25000))
        self.assertEqual(found["p99_us"], (280, 350))

    def test_of_a_full_generator_are_at_least_and_at_most(self):
        found = grades.grade(a_report(loop="closed", cpu=0.95))
        self.assertEqual(found.bounds["rate"], (20000, math.inf))
        self.assertEqual(found.bounds["p99_us"], (0, 350))
        self.assertTrue(found.full)

    def test_of_a_long_wait_in_a_closed_loop_are_still_two(self):
        found = grades.grade(a_report(loop="closed", waited=0.5))
        self.assertEqual((found.name, found.bounds["rate"], found.bounds["p99_us"]), ("censored", (20000, 40000), (175, 350)))
        self.assertEqual(grades.grade(a_report(waited=0.5)).bounds["p99_us"], (0, 400))
        self.assertEqual(grades.grade(a_report(loop="closed", waited=1.0)).bounds["rate"], (20000, math.inf))

    def test_of_an_open_loop_on_time_the_rate_is_exact(self):
        self.assertNotIn("rate", grades.grade(a_report(cpu=0.95)).bounds)
        self.assertIn("rate", grades.grade(a_report(asked=30000)).bounds)

    def test_without_answers_are_at_least(self):
        found = grades.grade(a_report(timeout=100))
        self.assertEqual(found.bounds["p99_us"], (400, math.inf))
        self.assertNotIn("p50_us", found.bounds)
        self.assertFalse(found.full)

    def test_of_few_missing_answers_are_those_of_the_far_tail_only(self):
        found = grades.grade(a_report(timeout=10))
        self.assertEqual((found.name, set(found.bounds)), ("clean", {"p999_us", "max_us"}))


class Judgement(unittest.TestCase):
    def test_stays_invalid_for_what_the_generator_cannot_vouch_for(self):
        for why in ("no good answer", "interrupted before the warm-up was over: nothing was measured",
                    "the hosts did not begin together: 200 ms apart, at most 100 ms is accepted"):
            self.assertEqual(grades.invalid({**a_report(), "invalid": [why]}), [why])
        empty = a_report()
        empty["rate"]["answered"] = 0
        self.assertEqual(grades.invalid(empty), ["no answer came within the window"])

    def test_is_a_grade_where_two_sums_differ_by_what_lag_explains(self):
        """More means that events were lost or counted twice."""
        why = "1.000 requests were under way on average, and rate times latency is 0.9: at most 0.01 apart is accepted"
        for other, grade in ((0.97, "clean"), (0.9, "bracketed"), (0.75, "bracketed"), (0.7, None)):
            little = {"judged": True, "holds": False, "under_way": 1.0, "rate_times_latency": other}
            report = {**a_report(), "invalid": [why], "little": little}
            self.assertEqual(grades.invalid(report), [] if grade else [why])
            if grade:
                self.assertEqual(grades.grade(report).name, grade)
        self.assertEqual(grades.invalid({**a_report(), "invalid": [why]}), [why])
        self.assertEqual(grades.apart({"little": {"judged": False, "holds": False}}), 0)

    def test_is_a_grade_for_every_reason_that_is_about_lag_or_load(self):
        """Each reason that quartet-load has is one that is graded, or one that stays INVALID; none is forgotten."""
        text = (support.REPO / "tools" / "load" / "validity.c").read_text(encoding="utf-8")
        reasons = re.findall(r'validity_invalid\(\s*validity,\s*((?:"[^"]*"\s*)+)', text)
        whole = ["".join(re.findall(r'"([^"]*)"', reason)) for reason in reasons]
        self.assertGreaterEqual(len(whole), 5)
        stays = [why for why in whole if grades.invalid({**a_report(), "invalid": ["host: " + why]})]
        self.assertGreaterEqual(len(stays), 2, stays)
        for why in stays:
            self.assertRegex(why, "^(interrupted before the warm-up|no good answer|%.3f requests were under way)")


class Answers(unittest.TestCase):
    def test_refusals_and_lost_connections_are_results(self):
        for errors in ({}, {"status": 500}, {"reset": 3, "connect": 2, "timeout": 9}):
            self.assertEqual(grades.wrong(a_report(**errors)), "")

    def test_other_answers_are_wrong(self):
        self.assertEqual(grades.wrong(a_report(malformed=1, hash=2)), "malformed: 1; hash: 2")
        report = a_report(status=5)
        report["run"]["statuses"] = {"200": 19995, "404": 5}
        self.assertEqual(grades.wrong(report), "status: 5")

    def test_a_status_that_was_expected_is_right(self):
        report = a_report()
        report["run"]["statuses"] = {"404": 20000}
        self.assertEqual(grades.wrong(report), "")

    def test_goodput_leaves_out_refusals(self):
        report = a_report(status=5000)
        self.assertAlmostEqual(grades.goodput(report), 15000)
        self.assertAlmostEqual(grades.shed(report), 0.25)
        self.assertEqual(grades.goodput(a_report()), 20000)


class Percentiles(unittest.TestCase):
    def test_need_ten_requests_beyond_them(self):
        self.assertEqual(grades.percentiles(999), ["mean", "p50", "p90", "max"])
        self.assertIn("p99", grades.percentiles(1000))
        self.assertNotIn("p999", grades.percentiles(9999))
        self.assertIn("p999", grades.percentiles(10000))
        self.assertEqual([grades.reported(n) for n in (1000, 999, 99, 3)], ["p99", "p90", "p50", "p50"])


if __name__ == "__main__":
    unittest.main()
