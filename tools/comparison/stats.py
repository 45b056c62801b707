"""Medians and intervals over repetitions.

The unit is one repetition: a new server, with one figure of each kind. Requests within a repetition share
its placement in memory, its scheduling and its disturbances, so they are never pooled and tested as if each were a
trial. The interval of a median is made of order statistics: it assumes no distribution, and how often it covers the
true median follows from the binomial alone.
"""
import dataclasses
import math

WANTED_COVERAGE = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median over repetitions with its interval."""

    median: float
    low: float
    high: float
    coverage: float  # how often such an interval holds the true median, at least
    values: tuple

    @property
    def count(self):
        return len(self.values)

    def scaled(self, factor):
        return Estimate(
            self.median * factor,
            self.low * factor,
            self.high * factor,
            self.coverage,
            tuple(v * factor for v in self.values),
        )


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def tail(count, below):
    """The chance that fewer than `below` of `count` values lie under the true median."""
    return sum(math.comb(count, k) for k in range(below)) / 2**count


def ranks(count, wanted=WANTED_COVERAGE):
    """The narrowest symmetric pair of ranks (from 1) whose interval covers enough, else the widest; its coverage."""
    best = 1
    for rank in range(1, count // 2 + 1):
        if 1 - 2 * tail(count, rank) >= wanted:
            best = rank
    return best, count + 1 - best, max(0.0, 1 - 2 * tail(count, best))


def estimate(values):
    """None for no values. Of one value the interval is itself, and covers nothing."""
    known = sorted(v for v in values if v is not None and math.isfinite(v))
    if not known:
        return None
    low, high, coverage = ranks(len(known))
    return Estimate(median(known), known[low - 1], known[high - 1], coverage, tuple(known))


def separate(first, second):
    """Do two intervals lie apart? Only then is a difference called one. One repetition proves nothing."""
    if first is None or second is None or min(first.count, second.count) < 2:
        return False
    return first.high < second.low or second.high < first.low


def chance_apart(first_count, second_count):
    """How often the intervals of two equal things come apart by chance, exactly: all orders are then alike."""
    low_a, high_a, _ = ranks(first_count)
    low_b, high_b, _ = ranks(second_count)
    return order_chance(high_a, first_count, low_b, second_count) + order_chance(
        high_b, second_count, low_a, first_count
    )


def order_chance(rank_a, count_a, rank_b, count_b):
    """The chance that the rank_a-th of count_a values lies below the rank_b-th of count_b others."""
    # A's value comes first exactly when, in the merged order, at most rank_b - 1 of B stand before it.
    ways = 0
    for before in range(rank_b):
        ways += math.comb(rank_a - 1 + before, before) * math.comb(
            count_a - rank_a + count_b - before, count_b - before
        )
    return ways / math.comb(count_a + count_b, count_a)


def ratio_range(first, second):
    """The least and the largest ratio of the medians that both intervals allow."""
    if second.low <= 0:
        return None
    return first.low / second.high, first.high / second.low
