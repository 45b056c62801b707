"""Other use of the machine while a cell ran: by other programs, and by other guests of a hypervisor.

Other programs are those that do not descend from this one. Servers and load generators descend from it; threads of the
kernel work for all and are not counted. The CPU time of a program that ended in between is in its parent's account.
The figures come from /proc; a container may hide some programs.
"""
import dataclasses
import os
import pathlib
import time

from . import measure

KERNEL_THREAD = 0x00200000  # PF_KTHREAD of the flags in /proc/PID/stat
TRIES = 3  # snapshots of the programs while some of them end
STOLEN = 8  # the word in /proc/stat's first line: time in which the hypervisor ran something else
OTHERS_WORTH_SAYING = 0.05  # of a CPU
STOLEN_WORTH_SAYING = 0.01  # of all CPUs' time


@dataclasses.dataclass
class Snapshot:
    """Seconds since the machine started. Other programs are counted on all CPUs, stolen time on those that the
    comparison may use."""

    at: float
    others: float
    stolen: float


def others_s():
    """CPU time of all programs that are not ours. A program that ends during this snapshot would be missing in it,
    while the next one has all its time in its parent's account: so this function takes the snapshot again."""
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
    """Of one program; zero for a thread of the kernel."""
    fields = measure.stat_fields(pid)
    return 0.0 if int(fields[6]) & KERNEL_THREAD else measure.cpu_s(pid, fields)


def stolen_s(text, cpus):
    """Of what /proc/stat holds: these CPUs together."""
    names = {f"cpu{number}" for number in cpus}
    lines = [words for words in map(str.split, text.splitlines()) if words[:1] and words[0] in names]
    return sum(int(words[STOLEN]) * measure.TICK_S for words in lines if len(words) > STOLEN)


def snapshot(cpus):
    stolen = stolen_s(pathlib.Path("/proc/stat").read_text(encoding="ascii"), cpus)
    return Snapshot(time.monotonic(), others_s(), stolen)


def between(before, after, machine_cpus, own_cpus):
    """The metrics of a cell from two snapshots, on a machine with so many CPUs of which the comparison may use some."""
    seconds = after.at - before.at
    return {
        "others_cpus": min(float(machine_cpus), max(0.0, after.others - before.others) / seconds),
        "stolen": max(0.0, after.stolen - before.stolen) / (seconds * own_cpus),
    }


def words(records, begin):
    """One sentence on these cells; none where other use was below both thresholds."""
    known = [record["metrics"] for record in records if "others_cpus" in record["metrics"]]
    met = [each["others_cpus"] for each in known if (each["others_cpus"] or 0) > OTHERS_WORTH_SAYING]
    stolen = [each["stolen"] for each in known if (each.get("stolen") or 0) > STOLEN_WORTH_SAYING]
    said = []
    if met:
        said.append(
            f"in {len(met)} of {len(known)} runs other programs took more than {100 * OTHERS_WORTH_SAYING:g} % of a CPU, at most "
            f"{100 * max(met):.0f} %"
        )
    if stolen:
        said.append(
            f"in {len(stolen)} of {len(known)} runs the hypervisor took more than {100 * STOLEN_WORTH_SAYING:g} % of the CPUs' "
            f"time (steal), at most {100 * max(stolen):.1f} %"
        )
    return [begin + " and ".join(said) + "."] if said else []
