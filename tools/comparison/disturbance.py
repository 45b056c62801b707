"""What else used the machine while a cell ran: other programs, and whatever a virtual machine shares its CPUs with.

Programs are all that do not descend from this one, so servers and load generators are none, and neither are the
kernel's threads, which work for them. One that ended in between is in its parent's account. Read from /proc; what a
container hides is not seen.
"""
import dataclasses
import os
import pathlib
import time

from . import measure

KERNEL_THREAD = 0x00200000  # PF_KTHREAD of the flags in /proc/PID/stat
TRIES = 3  # looks at programs of which some end meanwhile
STOLEN = 8  # the word in /proc/stat's first line: time in which the hypervisor ran something else
OTHERS_WORTH_SAYING = 0.05  # of a CPU
STOLEN_WORTH_SAYING = 0.01  # of all CPUs' time


@dataclasses.dataclass
class Look:
    """Seconds since the machine started."""

    at: float
    others: float
    stolen: float


def others_s():
    """CPU time of all programs that are not ours. One that ends meanwhile would be missing here and all its time
    there in the next look, in its parent's account: then this looks again."""
    for _ in range(TRIES):
        ours, total, gone = set(measure.family(os.getpid())), 0.0, False
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) not in ours:
                try:
                    total += program_s(int(entry))
                except OSError:
                    gone = True
        if not gone:
            break
    return total


def program_s(pid):
    """Of one program; a thread of the kernel is none."""
    fields = measure.stat_fields(pid)
    return 0.0 if int(fields[6]) & KERNEL_THREAD else measure.cpu_s(pid, fields)


def stolen_s(text):
    """Of what /proc/stat holds: all CPUs together."""
    words = text.splitlines()[0].split()
    return int(words[STOLEN]) * measure.TICK_S if len(words) > STOLEN else 0.0


def look():
    stolen = stolen_s(pathlib.Path("/proc/stat").read_text(encoding="ascii"))
    return Look(time.monotonic(), others_s(), stolen)


def between(before, after, cpus):
    """Of the time between two looks, as metrics of a cell."""
    seconds = after.at - before.at
    return {
        "others_cpus": min(float(cpus), max(0.0, after.others - before.others) / seconds),
        "stolen": max(0.0, after.stolen - before.stolen) / (seconds * cpus),
    }


def words(records, begin):
    """Of some cells, as one sentence behind others; none where nothing is worth saying."""
    told = [record["metrics"] for record in records if "others_cpus" in record["metrics"]]
    met = [each["others_cpus"] for each in told if each["others_cpus"] > OTHERS_WORTH_SAYING]
    stolen = [each["stolen"] for each in told if each["stolen"] > STOLEN_WORTH_SAYING]
    said = []
    if met:
        said.append(
            f"in {len(met)} of {len(told)} other programs took more than {100 * OTHERS_WORTH_SAYING:g} % of a CPU, at most "
            f"{100 * max(met):.0f} %"
        )
    if stolen:
        said.append(
            f"in {len(stolen)} of {len(told)} the hypervisor took more than {100 * STOLEN_WORTH_SAYING:g} % of the CPUs' "
            f"time (steal), at most {100 * max(stolen):.1f} %"
        )
    return [begin + " and ".join(said) + "."] if said else []
