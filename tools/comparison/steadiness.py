"""Was a run steady? The first half of its window against the second one, by the histogram log of the load generator, which
has a line for each second.

A queue that grows, a cache that warms up or a machine that slows down makes the halves differ; one median of such a run
describes neither. The test is Welch's (B. L. Welch, Biometrika 34, 1947) on the seconds, and a shift is reported only where
it is also large enough to matter. Seconds that follow each other are not independent, so this is a note and no verdict.
"""
import math
import statistics

from . import hlog, student

SECONDS_LEAST = 3  # in each half
WORTH_SAYING = 0.05
CHANCE = 0.01  # that a steady run is reported, for each figure
WHOLE = 0.9  # of the usual length: shorter seconds are the end of the window


def midpoint(index, head):
    """A value in the middle of those that a count at this place stands for."""
    return (hlog.highest(index, head) + (hlog.highest(index - 1, head) + 1 if index else 0)) / 2


def seconds(text):
    """([requests/s], [mean latency in us]) of a log, a value for each second."""
    _, rows = hlog.read(text)
    usual = statistics.median(length for _, length, *_ in rows) if rows else 0
    rates, means = [], []
    for _, length, _, head, counts in rows:
        total = sum(counts)
        if length < WHOLE * usual or not total:
            continue
        rates.append(total / length)
        means.append(sum(midpoint(i, head) * count for i, count in enumerate(counts) if count) / total / 1000)
    return rates, means


def shift(values):
    """By how much the second half is above the first, as a share, if that is more than chance; None where it is not, or
    where there are too few seconds."""
    half = len(values) // 2
    if half < SECONDS_LEAST:
        return None
    first, second = values[:half], values[-half:]
    before, after = statistics.fmean(first), statistics.fmean(second)
    if before <= 0:
        return None
    squares = [statistics.variance(part) / half for part in (first, second)]
    spread = sum(squares)
    if spread == 0:
        return after / before - 1 or None
    freedom = spread**2 / sum(square**2 / (half - 1) for square in squares)
    significant = student.two_sided((after - before) / math.sqrt(spread), max(1, math.floor(freedom))) < CHANCE
    return after / before - 1 if significant else None


def notes(text):
    """What was not steady, as phrases."""
    said = []
    for what, values in zip(("requests/s", "mean latency"), seconds(text)):
        change = shift(values)
        if change is not None and abs(change) > WORTH_SAYING:
            said.append(f"{what} {'rose' if change > 0 else 'fell'} by {100 * abs(change):.0f} %")
    return said
