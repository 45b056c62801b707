"""Medians and intervals over repetitions, of one server. Two are compared by pairs.py.

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
    bound: str = ""  # \u2265 or \u2264 where the figure is at least or at most the median, ? where it is unknown

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
            self.bound,
        )

    def text(self, write):
        """The median in words, with its bound."""
        return f"{self.bound} {write(self.median)}".strip()


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


def bounded(runs):
    """Of [(value, low, high)], a figure and its bounds for each run. The interval covers what the bounds allow; where one
    is open, the estimate is itself a bound."""
    known = [run for run in runs if run[0] is not None and math.isfinite(run[0])]
    whole = estimate([value for value, _, _ in known])
    if whole is None:
        return None
    at_most, at_least = (any(low <= 0 < value for value, low, _ in known), any(math.isinf(high) for *_, high in known))
    lows = estimate([low if low > 0 else value for value, low, _ in known])
    highs = estimate([high if math.isfinite(high) else value for value, _, high in known])
    bound = {(False, False): "", (True, False): "\u2264", (False, True): "\u2265", (True, True): "?"}[at_most, at_least]
    return dataclasses.replace(whole, low=lows.low, high=highs.high, bound=bound)
