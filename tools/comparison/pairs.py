"""Two servers compared: the ratio of their figures, from pairs of runs that stood side by side.

A block is one repetition of one workload at one level of load: each server runs once in it, one after the other in
random order, with the same arrivals. What disturbs the machine for minutes meets a whole block, so it is not in the ratio
of two runs of one block. The logarithms of these ratios are averaged, and the interval is Student's (one sample, n - 1
degrees of freedom; W. S. Gosset, The Probable Error of a Mean, Biometrika 6, 1908). It is exact where the logarithms
are normal; tests/tools/compare/test_pairs.py says what it covers where they are not.

A figure that is known between bounds only gives two ratios for a pair, the least and the largest. The interval then runs
from the lower end of the least ones' to the upper end of the largest ones': it covers all values that the bounds allow.
"""
import dataclasses
import math

from . import student

COVERAGE = 0.95  # of each interval
ALPHA = 0.05  # the chance of one false difference or more in a family of comparisons

ABOVE, BELOW, EQUAL, UNDECIDED = "above", "below", "equal", "undecided"


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A subject's figure divided by the reference's, with its interval."""

    low: float
    middle: float  # None where no bound of one side is known
    high: float
    p: float  # of a ratio so far from 1, were there none; 1 where the bounds allow both sides
    count: int  # pairs
    adjusted: float = 1.0  # p after Holm's correction


def mean_interval(logs):
    """(low, mean, high, t) of the mean of two or more logarithms; infinite where one of them is."""
    mean = sum(logs) / len(logs)
    if not math.isfinite(mean):
        return mean, mean, mean, 0.0
    error = math.sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1) / len(logs))
    width = error * student.quantile(COVERAGE, len(logs) - 1)
    return mean - width, mean, mean + width, mean / error if error > 0 else math.copysign(math.inf, mean)


def log_ratio(above, below):
    """Of two figures of which either may be zero or infinite."""
    if above <= 0 or math.isinf(below):
        return -math.inf
    return math.inf if below <= 0 or math.isinf(above) else math.log(above / below)


def chance(mean, t, freedom):
    """The p of a mean, and 1 where there is no difference at all."""
    return 1.0 if mean == 0 else student.two_sided(t, freedom)


def ratio(pairs):
    """The ratio from [((low, high) of the subject, (low, high) of the reference)], a pair for each block; None of fewer
    than two pairs."""
    if len(pairs) < 2:
        return None
    least = mean_interval([log_ratio(subject[0], reference[1]) for subject, reference in pairs])
    most = mean_interval([log_ratio(subject[1], reference[0]) for subject, reference in pairs])
    freedom = len(pairs) - 1
    p = 1.0
    if least[1] > 0:
        p = chance(least[1], least[3], freedom)
    elif most[1] < 0:
        p = chance(most[1], most[3], freedom)
    middle = (least[1] + most[1]) / 2
    return Ratio(
        math.exp(least[0]), math.exp(middle) if math.isfinite(middle) else None, exp(most[2]), p, len(pairs)
    )


def exp(value):
    return math.inf if value > 700 else math.exp(value)


def holm(ratios):
    """The ratios of one family, each with its p corrected for all others (S. Holm, A Simple Sequentially Rejective
    Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979). None stays None and counts as none."""
    order = sorted((i for i, one in enumerate(ratios) if one is not None), key=lambda i: ratios[i].p)
    corrected, largest = list(ratios), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, ratios[i].p * (len(order) - rank)))
        corrected[i] = dataclasses.replace(ratios[i], adjusted=largest)
    return corrected


def decide(one, margin):
    """What a ratio of a family shows. Two are equal for this experiment where the whole interval lies within the margin
    (two one-sided tests: D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987; at 2.5 %
    each, since the interval has 95 %)."""
    if one is None:
        return UNDECIDED
    if 1 / (1 + margin) <= one.low and one.high <= 1 + margin:
        return EQUAL
    if one.adjusted > ALPHA:
        return UNDECIDED
    return ABOVE if one.low > 1 else BELOW if one.high < 1 else UNDECIDED
