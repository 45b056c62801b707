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

    def test_of_one_value_tell_nothing_apart(self):
        self.assertFalse(stats.separate(stats.estimate([1.0]), stats.estimate([2.0])))

    def test_that_touch_are_not_apart(self):
        self.assertFalse(stats.separate(stats.estimate([1, 2, 3]), stats.estimate([3, 4, 5])))
        self.assertTrue(stats.separate(stats.estimate([1, 2, 3]), stats.estimate([4, 5, 6])))

    def test_of_nothing_are_none(self):
        self.assertIsNone(stats.estimate([]))
        self.assertIsNone(stats.estimate([None, math.nan]))


class Chance(unittest.TestCase):
    def test_of_equal_things_coming_apart_is_exact(self):
        self.assertAlmostEqual(stats.chance_apart(3, 3), 2 / math.comb(6, 3))
        self.assertAlmostEqual(stats.chance_apart(5, 5), 2 / math.comb(10, 5))

    def test_of_equal_things_coming_apart_is_what_is_seen(self):
        random_source = random.Random(11)
        for count in (3, 9):
            apart = sum(
                stats.separate(
                    stats.estimate([random_source.random() for _ in range(count)]),
                    stats.estimate([random_source.random() for _ in range(count)]),
                )
                for _ in range(DRAWS)
            )
            expected = stats.chance_apart(count, count)
            self.assertAlmostEqual(apart / DRAWS, expected, delta=4 * math.sqrt(expected / DRAWS) + 1e-3)


if __name__ == "__main__":
    unittest.main()
