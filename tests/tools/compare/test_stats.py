"""Medians and intervals: what they promise must hold on distributions that are known."""
import math
import random
import unittest

import support  # noqa: F401  (the path)
from comparison import stats

DRAWS = 4000


def coverage(draw, true_median, count):
    random_source = random.Random(7)
    held = 0
    for _ in range(DRAWS):
        estimate = stats.estimate([draw(random_source) for _ in range(count)])
        held += estimate.low <= true_median <= estimate.high
    return held / DRAWS


class Intervals(unittest.TestCase):
    def test_hold_the_median_as_often_as_they_say(self):
        draws = {
            "exponential": (lambda r: r.expovariate(1), math.log(2)),
            "lognormal": (lambda r: r.lognormvariate(0, 1.5), 1.0),
            "uniform": (lambda r: r.random(), 0.5),
            "pareto": (lambda r: r.paretovariate(1.1), 2 ** (1 / 1.1)),
        }
        for name, (draw, true_median) in draws.items():
            for count in (3, 5, 8, 20):
                promised = stats.ranks(count)[2]
                error = 4 * math.sqrt(promised * (1 - promised) / DRAWS)
                with self.subTest(name=name, count=count):
                    self.assertAlmostEqual(coverage(draw, true_median, count), promised, delta=error)

    def test_cover_95_percent_from_six_values_on(self):
        self.assertLess(stats.ranks(5)[2], 0.95)
        for count in range(6, 60):
            self.assertGreaterEqual(stats.ranks(count)[2], 0.95)

    def test_narrow_when_there_are_enough_values(self):
        self.assertEqual(stats.ranks(5)[:2], (1, 5))
        self.assertEqual(stats.ranks(20)[:2], (6, 15))

    def test_of_nothing_are_none(self):
        self.assertIsNone(stats.estimate([]))
        self.assertIsNone(stats.estimate([None, math.nan]))


class Bounds(unittest.TestCase):
    def test_widen_the_interval_to_what_they_allow(self):
        found = stats.bounded([(10, 8, 10), (11, 9, 11), (12, 12, 12)])
        self.assertEqual((found.low, found.median, found.high, found.bound), (8, 11, 12, ""))

    def test_that_are_open_make_the_estimate_a_bound(self):
        at_least = stats.bounded([(10, 10, math.inf), (11, 11, 11)])
        self.assertEqual(at_least.text(str), "\u2265 10.5")
        at_most = stats.bounded([(10, 0, 10)])
        self.assertEqual((at_most.text(str), at_most.low), ("\u2264 10", 10))
        self.assertEqual(stats.bounded([(10, 0, 10), (11, 11, math.inf)]).bound, "?")

    def test_of_exact_figures_change_nothing(self):
        self.assertEqual(stats.bounded([(v, v, v) for v in (3, 1, 2)]), stats.estimate([3, 1, 2]))
        self.assertIsNone(stats.bounded([(None, None, None)]))
        self.assertEqual(stats.bounded([(0.0, 0.0, 0.0)] * 2).bound, "")


if __name__ == "__main__":
    unittest.main()
