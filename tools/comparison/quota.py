"""The CPU time that a cgroup may use (docker --cpus, cpu.max): when it is used up, the kernel stops all threads for the rest
of the period. A load generator that does not sleep would use up what the servers need. So no more CPUs are divided between
them than the quota lasts for."""
import pathlib

from . import cgroups


def read_words(path):
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []


def of_folder(folder):
    """CPUs, or None where this cgroup has no limit: of version 2, else of version 1."""
    words = read_words(folder / "cpu.max") or [
        *read_words(folder / "cpu.cfs_quota_us"),
        *read_words(folder / "cpu.cfs_period_us"),
    ]
    limited = len(words) == 2 and words[0].isdecimal() and int(words[1]) > 0
    return int(words[0]) / int(words[1]) if limited else None


def smallest(mounts, own):
    """Of our cgroup and those above it, by what mountinfo and /proc/self/cgroup hold; None for no limit."""
    folders = cgroups.chain_of(mounts, own) + cgroups.chain_of(mounts, own, "cpu")
    return min((limit for limit in map(of_folder, folders) if limit is not None), default=None)


def ours():
    try:
        mounts, own = (pathlib.Path(path).read_text(encoding="utf-8") for path in (cgroups.MOUNTS, cgroups.OWN))
    except OSError:
        return None
    return smallest(mounts, own)


def within(numbers, limit):
    """The CPUs that the limit lasts for, at least one."""
    return numbers if limit is None else numbers[: max(1, int(limit))]
