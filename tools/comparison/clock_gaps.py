"""Times in which a CPU stood still while a cell ran: a hypervisor that stopped it without counting steal, a firmware that took
it, a suspended machine.

The kernel counts the time of each CPU in /proc/stat, tick by tick, as work, idleness or steal. A CPU that stood still while
it worked has missed ticks: its counts grow by less than the clock. This needs no program that watches, which would be one
more disturbance. Counts are cut to ticks of 10 ms, so the first two missing ticks prove nothing. A stop in idleness is not seen.
"""
import dataclasses
import os
import pathlib
import time

from . import measure

KINDS = 8  # user, nice, system, idle, iowait, irq, softirq, steal: guest time is in user's
TOLERATED_S = 2 * measure.TICK_S


@dataclasses.dataclass
class Counts:
    """Seconds that the kernel counted for each CPU until a moment."""

    at: float
    by_cpu: dict


def counted(text):
    """{number of a CPU: seconds} of what /proc/stat holds."""
    lines = [line.split() for line in text.splitlines() if line.startswith("cpu") and line[3:4].isdigit()]
    return {int(words[0][3:]): sum(map(int, words[1 : 1 + KINDS])) * measure.TICK_S for words in lines}


def snapshot():
    return Counts(time.monotonic(), counted(pathlib.Path("/proc/stat").read_text(encoding="ascii")))


def share(before, after, cpus=None):
    """The largest share of the time that is missing in the counts of one CPU, of those that we may use."""
    seconds = after.at - before.at
    both = (cpus or os.sched_getaffinity(0)) & before.by_cpu.keys() & after.by_cpu.keys()
    missing = [seconds - (after.by_cpu[cpu] - before.by_cpu[cpu]) - TOLERATED_S for cpu in both]
    return max(0.0, *missing) / seconds if missing and seconds > 0 else 0.0
