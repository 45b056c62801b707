"""Student's t distribution for a whole number of degrees of freedom.

For these the probability is a finite sum of powers of cosines: Abramowitz and Stegun, Handbook of Mathematical
Functions (1964), 26.7.3 and 26.7.4.
"""
import functools
import math


def central(t, freedom):
    """The chance that |T| is below t, for t from 0 up."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    if freedom % 2 == 0:
        total, term = 0.0, 1.0
        for nth in range(0, freedom - 1, 2):
            total += term
            term *= square * (nth + 1) / (nth + 2)
        return sine * total
    total, term = 0.0, math.cos(angle)
    for nth in range(1, freedom - 1, 2):
        total += term
        term *= square * (nth + 1) / (nth + 2)
    return 2 / math.pi * (angle + sine * total)


def two_sided(t, freedom):
    """The chance of a T at least as far from zero as t."""
    return 1.0 if t == 0 else max(0.0, 1 - central(abs(t), freedom))


@functools.lru_cache(maxsize=None)
def quantile(coverage, freedom):
    """The t that |T| stays below with this chance, less than 1."""
    low, high = 0.0, 1.0
    while central(high, freedom) < coverage:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if central(middle, freedom) < coverage else (low, middle)
    return high
