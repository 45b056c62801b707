"""A cgroup (version 2) of its own for each server, where this program may make one.

The kernel then counts for the whole tree of processes, also for those that have ended: CPU time (cpu.stat), the time in which
some thread waited for a CPU (cpu.pressure) and the most memory (memory.peak). A file that this kernel, or the controllers of
the place, do not have is left out. A cgroup is removed with its server; what a killed comparison has left behind is removed
by the next one.

A server goes beside our own cgroup, or below it where that is not allowed: what limits us from above limits it as well.
"""
import os
import pathlib
import re
import time

PREFIX = "quartet-compare-"
MOUNTS, OWN = "/proc/self/mountinfo", "/proc/self/cgroup"
EMPTY_LIMIT_S = 5
LOOK_EVERY_S = 0.01


def mount_of(text, controller=None):
    """(root, folder) of a mount in what mountinfo holds: of version 2, or of a controller of version 1. Or None."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, *rest = after.split() or [""]
        if kind == "cgroup2" if controller is None else kind == "cgroup" and controller in rest[-1].split(","):
            root, folder = before.split()[3:5]
            return root, re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), folder)
    return None


def path_of(text, controller=None):
    """Ours below the root, in what /proc/self/cgroup holds, or None."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" if controller is None else controller in controllers.split(","):
            return path
    return None


def chain_of(mounts, own, controller=None):
    """Folders of our cgroup and of those above it, ours first; none where they cannot be seen."""
    mount, path = mount_of(mounts, controller), path_of(own, controller)
    if mount is None or path is None or ".." in path or not (path + "/").startswith(mount[0].rstrip("/") + "/"):
        return []
    top = pathlib.Path(mount[1])
    ours = top / path[len(mount[0]) :].lstrip("/")
    return [ours, *(folder for folder in ours.parents if folder.is_relative_to(top))]


def bases_of(mounts, own):
    """Folders in which a server's cgroup may lie, the preferred one first."""
    return chain_of(mounts, own)[1::-1]


def can_be_entered(folder):
    """A process that goes in and ends at once shows it: the rules about who may are many."""
    child = os.fork()
    if child == 0:
        try:
            enter(folder)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def enter(folder):
    """This process, from now on."""
    with open(pathlib.Path(folder) / "cgroup.procs", "w", encoding="ascii") as procs:
        procs.write("0")


def divides_cpu_time(base):
    """Does the kernel give each cgroup below it the same share of the CPUs? Then a nice value means nothing between a
    server and the load generator."""
    try:
        return "cpu" in (base / "cgroup.subtree_control").read_text(encoding="ascii").split()
    except OSError:
        return True


def base_of(shared):
    """The folder for the cgroups of a comparison, or None where there are none. `shared`: server and generator compete for
    the same CPUs."""
    try:
        found = bases_of(pathlib.Path(MOUNTS).read_text(encoding="utf-8"), pathlib.Path(OWN).read_text(encoding="utf-8"))
    except OSError:
        return None
    for base in found:
        group = None if shared and divides_cpu_time(base) else make(base, "probe")
        if group:
            counts = can_be_entered(group.folder) and group.cpu_s() is not None
            if group.remove() and counts:
                return base
    return None


def prepared(shared):
    """base_of(), without what killed comparisons have left there."""
    base = base_of(shared)
    if base:
        remove_left(base)
    return base


def remove_left(base):
    """Cgroups of comparisons that are gone; one that still has a process stays."""
    for folder in base.glob(PREFIX + "*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not os.path.exists(f"/proc/{pid}"):
            try:
                folder.rmdir()
            except OSError:
                pass


class Group:
    """The cgroup of one server."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, name):
        try:
            return (self.folder / name).read_text(encoding="ascii")
        except OSError:
            return ""

    def number(self, name, pattern):
        found = re.search(pattern, self.read(name), re.M)
        return int(found[1]) if found else None

    def seconds(self, name, pattern):
        """Of microseconds in a file."""
        found = self.number(name, pattern)
        return None if found is None else found / 1e6

    def cpu_s(self):
        return self.seconds("cpu.stat", r"^usage_usec (\d+)$")

    def waited_s(self):
        """In which at least one thread waited for a CPU; None where the kernel does not count it."""
        return self.seconds("cpu.pressure", r"^some .*total=(\d+)$")

    def peak_kib(self):
        """The most memory so far, the kernel's for it included; None where the controller is not there."""
        peak = self.number("memory.peak", r"^(\d+)$")
        return None if peak is None else peak / 1024

    def remove(self):
        """Ends what is still in it, and waits until the kernel has seen the end. Is it gone?"""
        try:
            (self.folder / "cgroup.kill").write_text("1", encoding="ascii")
        except OSError:
            pass  # a kernel before 5.14
        limit = time.monotonic() + EMPTY_LIMIT_S
        while time.monotonic() < limit:
            try:
                self.folder.rmdir()
                return True
            except FileNotFoundError:
                return True
            except OSError:
                time.sleep(LOOK_EVERY_S)
        return False


def make(base, name):
    """A new one below `base`, or None where that is not allowed."""
    folder = base / f"{PREFIX}{os.getpid()}-{name}"
    try:
        folder.mkdir()
    except OSError:
        return None
    return Group(folder)
