"""CPUs as the kernel writes them, and which of them belong to one core."""
import os
import pathlib

MOST = 4096  # numbers of CPUs that are accepted
SYSTEM = "/sys/devices/system/cpu"


def read_list(text):
    """The numbers in "0-3,8", in order; ValueError for anything else."""
    found = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or not (last if dash else first).isdecimal():
            raise ValueError(text)
        low, high = int(first), int(last if dash else first)
        if not low <= high < MOST:
            raise ValueError(text)
        found.update(range(low, high + 1))
    return sorted(found)


def write_list(numbers):
    """[0, 1, 2, 3, 8] as "0-3,8"."""
    spans = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def allowed():
    """The CPUs that this program may use."""
    return sorted(os.sched_getaffinity(0))


def core_of(numbers, system=SYSTEM):
    """{CPU: the lowest CPU of its core}. A CPU of which the kernel says nothing is a core of its own."""
    found = {}
    for number in numbers:
        path = pathlib.Path(system) / f"cpu{number}" / "topology" / "thread_siblings_list"
        try:
            found[number] = min(read_list(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            found[number] = number
    return found
