"""An interval for the mean of values that depend on their neighbours, such as the waits of successive requests.

A long wait is followed by long ones, so the deviation of single values says too little. The means of long batches are nearly
independent and nearly normal: from their deviation and Student's t comes the interval. A batch must be much longer than
the time in which a queue forgets its state. Source: A. M. Law, Simulation Modeling and Analysis, section 9.5.3.
"""
import dataclasses
import statistics

from . import student


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean, and how far the true one may be from it on either side."""

    mean: float
    half: float

    @property
    def low(self):
        return self.mean - self.half

    @property
    def high(self):
        return self.mean + self.half

    def holds(self, value):
        return self.low <= value <= self.high


def interval(values, batches, coverage):
    """Of values in the order of time, cut into so many batches of equal size; the rest is left out. At least one value
    for each batch."""
    size = len(values) // batches
    means = [statistics.fmean(values[start : start + size]) for start in range(0, size * batches, size)]
    half = student.quantile(coverage, batches - 1) * statistics.stdev(means) / batches**0.5
    return Interval(statistics.fmean(means), half)
