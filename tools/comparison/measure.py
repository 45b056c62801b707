"""What the kernel says of a process and all that descend from it: CPU time, context switches, memory, threads."""
import dataclasses
import os
import pathlib
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Usage:
    """Figures since the start of the processes; switches by thread, so that one that ended does not count negative."""

    cpu_s: float
    switches: dict  # (process, thread) -> (voluntary, involuntary)
    waited_s: float = None  # in which some thread waited for a CPU; None where nothing counts it


def family(pid):
    """The process and its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(stat_fields(int(entry))[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def stat_fields(pid):
    """/proc/PID/stat behind the name, which may hold spaces: [0] is the state."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()


def status_number(text, key):
    for line in text.splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def switches_of(pid):
    counts = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            text = pathlib.Path(f"/proc/{pid}/task/{task}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # a thread that has just ended
        counts[pid, int(task)] = (
            status_number(text, "voluntary_ctxt_switches"),
            status_number(text, "nonvoluntary_ctxt_switches"),
        )
    return counts


def cpu_s(pid, fields):
    """User and system time of all threads, also of those that have ended: the process's own CPU clock, which counts
    nanoseconds where /proc/PID/stat counts ticks of 10 ms (its number is made as clock_getcpuclockid(3) makes it). CPU
    time of children that have ended is in their parent's ticks."""
    return time.clock_gettime_ns(~pid << 3 | 2) * 1e-9 + (int(fields[13]) + int(fields[14])) * TICK_S


def usage(pid):
    """Of all together."""
    total, switches = 0.0, {}
    for member in family(pid):
        try:
            total += cpu_s(member, stat_fields(member))
            switches.update(switches_of(member))
        except OSError:
            continue  # it has just ended
    return Usage(total, switches)


def between(before, after):
    """What one run of load cost: (CPU seconds, voluntary switches, involuntary switches)."""
    voluntary = involuntary = 0
    for thread, (waited, pushed) in after.switches.items():
        earlier = before.switches.get(thread, (0, 0))
        voluntary += waited - earlier[0]
        involuntary += pushed - earlier[1]
    return after.cpu_s - before.cpu_s, voluntary, involuntary


def memory(pid):
    """(proportional set size in KiB, resident set size in KiB, threads) of all together; None where it may not be
    read."""
    pss = rss = threads = 0
    for member in family(pid):
        try:
            status = pathlib.Path(f"/proc/{member}/status").read_text(encoding="utf-8", errors="replace")
            rollup = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text(encoding="utf-8")
        except PermissionError:
            return None, None, None
        except OSError:
            continue
        rss += status_number(status, "VmRSS")
        threads += status_number(status, "Threads")
        pss += status_number(rollup, "Pss")
    return pss, rss, threads
