"""Comparisons of pairs, on generated runs whose true ratio is known: what intervals cover, how often a family has a false
difference, and when two are called equal."""
import math
import random
import unittest

import support  # noqa: F401  (the path)
from comparison import pairs, student

DRAWS = 2000
TABLE = {  # two-sided 95 % and 99 % points: any table of the distribution
    1: (12.706, 63.657), 2: (4.303, 9.925), 3: (3.182, 5.841), 5: (2.571, 4.032), 8: (2.306, 3.355), 30: (2.042, 2.750),
}


class Student(unittest.TestCase):
    def test_quantiles_are_those_of_the_tables(self):
        for freedom, wanted in TABLE.items():
            for coverage, value in zip((0.95, 0.99), wanted):
                self.assertAlmostEqual(student.quantile(coverage, freedom), value, delta=6e-4 * value)

    def test_both_sides_and_the_middle_are_the_whole(self):
        for freedom in (1, 2, 7, 100):
            for t in (0.0, 0.3, 2.0, 5.0):
                self.assertAlmostEqual(student.two_sided(t, freedom) + student.central(t, freedom), 1)
        self.assertAlmostEqual(student.two_sided(1.96, 1000), 0.05, delta=1e-3)


def normal(draw):
    return draw.gauss(0, 0.04)


def contaminated(draw):
    """One run of ten is slower by 15 %."""
    return draw.gauss(0, 0.02) - (0.15 if draw.random() < 0.1 else 0)


def skewed(draw):
    return 0.05 * draw.expovariate(1)


def heavy(draw):
    """Student's t with three degrees of freedom."""
    return 0.02 * draw.gauss(0, 1) / math.sqrt(sum(draw.gauss(0, 1) ** 2 for _ in range(3)) / 3)


def blocks(draw, count, true_ratio, noise=normal, drift=0.3):
    """Pairs of exact figures; what drifts from block to block meets both."""
    made = []
    for _ in range(count):
        level = 1000 * math.exp(draw.gauss(0, drift))
        subject, reference = level * true_ratio * math.exp(noise(draw)), level * math.exp(noise(draw))
        made.append(((subject, subject), (reference, reference)))
    return made


class Intervals(unittest.TestCase):
    def covered(self, count, noise, true_ratio=1.2):
        draw = random.Random(5)
        held = 0
        for _ in range(DRAWS):
            found = pairs.ratio(blocks(draw, count, true_ratio, noise))
            held += found.low <= true_ratio <= found.high
        return held / DRAWS

    def test_of_normal_logarithms_cover_what_they_say(self):
        for count in (2, 3, 6, 9):
            self.assertAlmostEqual(self.covered(count, normal), 0.95, delta=4 * math.sqrt(0.05 * 0.95 / DRAWS), msg=count)

    def test_of_others_cover_93_percent_at_least(self):
        """The difference of two runs is symmetric whatever the noise of one is, when both have the same noise."""
        for noise in (contaminated, skewed, heavy):
            for count in (6, 9):
                self.assertGreater(self.covered(count, noise), 0.93, (noise.__name__, count))

    def test_are_not_widened_by_what_meets_a_whole_block(self):
        steady = pairs.ratio(blocks(random.Random(1), 6, 1.2, drift=0))
        drifting = pairs.ratio(blocks(random.Random(2), 6, 1.2, drift=2))
        self.assertLess(drifting.high / drifting.low, 1.5)
        self.assertLess(steady.high / steady.low, 1.5)

    def test_of_one_pair_there_are_none(self):
        self.assertIsNone(pairs.ratio(blocks(random.Random(1), 1, 2)))
        self.assertIsNone(pairs.ratio([]))

    def test_of_runs_without_any_noise_are_points(self):
        found = pairs.ratio([((2, 2), (1, 1))] * 3)
        self.assertEqual((found.low, found.high, found.p), (2, 2, 0))
        self.assertEqual(pairs.ratio([((1, 1), (1, 1))] * 3).p, 1)


class Bounds(unittest.TestCase):
    def test_are_all_within_the_interval(self):
        """The truth is anywhere between the bounds, another place in each run."""
        draw, held = random.Random(9), 0
        for _ in range(DRAWS):
            made = []
            for (value, _), reference in blocks(draw, 6, 1.1):
                low = value * (1 - 0.2 * draw.random())
                made.append(((low, low * 1.25), reference))
            found = pairs.ratio(made)
            held += found.low <= 1.1 <= found.high
        self.assertGreaterEqual(held / DRAWS, 0.95)

    def test_at_least_is_open_above_and_at_most_below(self):
        faster = [((150, math.inf), (100 + i, 100 + i)) for i in range(6)]
        found = pairs.holm([pairs.ratio(faster)])[0]
        self.assertGreater(found.low, 1.4)
        self.assertEqual((found.high, found.middle), (math.inf, None))
        self.assertEqual(pairs.decide(found, 0.05), pairs.ABOVE)
        below = pairs.holm([pairs.ratio([((0, 50 + i), (100, 100)) for i in range(6)])])[0]
        self.assertEqual((below.low, pairs.decide(below, 0.05)), (0, pairs.BELOW))

    def test_open_on_the_wrong_side_decide_nothing(self):
        for pair in (((50, math.inf), (100, 100)), ((150, math.inf), (100, math.inf)), ((0, math.inf), (100, 100))):
            found = pairs.holm([pairs.ratio([pair] * 6)])[0]
            self.assertEqual((found.p, pairs.decide(found, 0.05)), (1, pairs.UNDECIDED))

    def test_of_zero_decide_nothing(self):
        found = pairs.holm([pairs.ratio([((0.0, 0.0), (0.0, 0.0))] * 4)])[0]
        self.assertEqual(pairs.decide(found, 0.05), pairs.UNDECIDED)


class Families(unittest.TestCase):
    def decisions(self, draw, true_ratios, count, noise=normal):
        """Comparisons with one reference that all share, as in a report."""
        levels = [1000 * math.exp(draw.gauss(0, 0.3)) for _ in range(count)]
        reference = [level * math.exp(noise(draw)) for level in levels]
        found = []
        for true_ratio in true_ratios:
            runs = [level * true_ratio * math.exp(noise(draw)) for level in levels]
            found.append(pairs.ratio([((a, a), (b, b)) for a, b in zip(runs, reference)]))
        return [pairs.decide(one, 0.001) for one in pairs.holm(found)]

    def false_share(self, true_ratios, count, noise):
        draw, wrong = random.Random(3), 0
        for _ in range(DRAWS):
            made = self.decisions(draw, true_ratios, count, noise)
            wrong += any(true == 1 and one in (pairs.ABOVE, pairs.BELOW) for true, one in zip(true_ratios, made))
        return wrong / DRAWS

    def test_have_a_false_difference_in_at_most_5_percent(self):
        allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / DRAWS)
        for noise in (normal, contaminated, skewed):
            for true_ratios in ([1.0] * 10, [1.0] * 5 + [1.5] * 5):
                for count in (6, 9):
                    self.assertLessEqual(self.false_share(true_ratios, count, noise), allowed, (noise.__name__, count))

    def test_uncorrected_would_have_more(self):
        """What the correction is for: this test fails when the test above cannot."""
        draw, wrong = random.Random(3), 0
        for _ in range(DRAWS):
            found = [pairs.ratio(blocks(draw, 6, 1.0)) for _ in range(10)]
            wrong += any(not one.low <= 1 <= one.high for one in found)
        self.assertGreater(wrong / DRAWS, 0.3)

    def test_find_true_differences(self):
        draw = random.Random(4)
        made = [self.decisions(draw, [1.3] * 10, 9) for _ in range(100)]
        self.assertGreater(sum(one == pairs.ABOVE for several in made for one in several), 950)

    def test_are_corrected_as_by_hand(self):
        given = [pairs.Ratio(1, 1, 1, p, 6) for p in (0.01, 0.04, 0.03, 0.005)]
        corrected = pairs.holm([*given[:2], None, *given[2:]])
        self.assertIsNone(corrected[2])
        for one, wanted in zip([*corrected[:2], *corrected[3:]], (0.03, 0.06, 0.06, 0.02)):
            self.assertAlmostEqual(one.adjusted, wanted)


class Equivalence(unittest.TestCase):
    def share(self, true_ratio, deviation, count=9):
        draw = random.Random(8)
        made = [pairs.ratio(blocks(draw, count, true_ratio, lambda d: d.gauss(0, deviation))) for _ in range(DRAWS)]
        return sum(pairs.decide(one, 0.05) == pairs.EQUAL for one in made) / DRAWS

    def test_is_found_where_it_is_true_and_the_runs_are_steady(self):
        self.assertGreater(self.share(1.0, 0.02), 0.95)
        self.assertGreater(self.share(1.01, 0.01), 0.95)

    def test_is_false_in_at_most_5_percent_of_cases_at_the_margin(self):
        for deviation in (0.01, 0.03):
            self.assertLess(self.share(1.05, deviation), 0.05)
            self.assertLess(self.share(1 / 1.05, deviation), 0.05)
        self.assertEqual(self.share(1.2, 0.01), 0)

    def test_is_not_what_noise_looks_like(self):
        """Two that a noisy experiment cannot distinguish are not called equal."""
        self.assertLess(self.share(1.0, 0.15), 0.02)


if __name__ == "__main__":
    unittest.main()
