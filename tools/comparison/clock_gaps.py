"""Times in which a CPU stood still while a cell ran: a hypervisor that stopped it without counting steal, a firmware that took
it, a suspended machine.

The kernel counts the time of each CPU in /proc/stat: work by the ticks that find it at work, idleness by the clock. A CPU that
was always at work and stood still has missed ticks: its counts grow by less than the clock. This needs no program that watches,
which would be one more disturbance. Counts are cut to ticks of 10 ms, so the first two missing ticks prove nothing.

A CPU that was idle in between is not judged. Its ticks rest while it idles, so work that begins and ends between two ticks is in
no count: a server that sleeps and wakes 10,000 times a second appears to stand still for a tenth of the time. The load generator
spins on CPUs of its own, so at least those are judged.
"""
import dataclasses
import os
import pathlib
import time

from . import measure

KINDS = 8  # user, nice, system, idle, iowait, irq, softirq, steal: guest time is in user's
IDLE = slice(3, 5)  # of these: idle and iowait
TOLERATED_S = 2 * measure.TICK_S


@dataclasses.dataclass
class Counts:
    """Seconds that the kernel counted for each CPU until a moment, and those of them in which it was idle."""

    at: float
    by_cpu: dict
    idle: dict


def counted(text, kinds=slice(KINDS)):
    """{number of a CPU: seconds} of what /proc/stat holds, of these kinds."""
    lines = [line.split() for line in text.splitlines() if line.startswith("cpu") and line[3:4].isdigit()]
    return {int(words[0][3:]): sum(map(int, words[1:][kinds])) * measure.TICK_S for words in lines}


def snapshot():
    text = pathlib.Path("/proc/stat").read_text(encoding="ascii")
    return Counts(time.monotonic(), counted(text), counted(text, IDLE))


def share(before, after, cpus=None):
    """The largest share of the time that is missing in the counts of one CPU, of those that we may use and that were never
    idle."""
    seconds = after.at - before.at
    both = (cpus or os.sched_getaffinity(0)) & before.by_cpu.keys() & after.by_cpu.keys()
    at_work = [cpu for cpu in both if after.idle[cpu] == before.idle[cpu]]
    missing = [seconds - (after.by_cpu[cpu] - before.by_cpu[cpu]) - TOLERATED_S for cpu in at_work]
    return max(0.0, *missing) / seconds if missing and seconds > 0 else 0.0
