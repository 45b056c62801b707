"""A separate pass that counts system calls of a running server. It slows the server down, so nothing else is taken
from it.

perf trace where it works, since it costs least; else strace.
"""
import contextlib
import re
import shutil
import signal
import subprocess
import time

from . import measure, processes
from .trouble import Trouble

ATTACH_LIMIT_S = 5


class Counted:
    """Calls by name, to be read after the counter has ended."""

    def __init__(self, path, pattern):
        self.path, self.pattern = path, pattern

    def by_name(self):
        calls = {}
        for name, number in self.pattern(self.path.read_text(errors="replace")):
            calls[name] = calls.get(name, 0) + number
        return dict(sorted(calls.items(), key=lambda pair: -pair[1]))

    def total(self):
        return sum(self.by_name().values())


def read_strace(text):
    """Rows of strace -c: % time, seconds, usecs/call, calls, errors or nothing, name."""
    for row in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", text, re.M):
        if row[2] != "total":
            yield row[2], int(row[1])


def read_perf(text):
    """Rows of perf trace -s: name, calls, errors, times; a table for each thread."""
    for row in re.finditer(r"^\s{3}(\w+)\s+(\d+)\s+\d+\s+[\d.]+", text, re.M):
        yield row[1], int(row[2])


def perf_works():
    if not shutil.which("perf"):
        return False
    done = subprocess.run(["perf", "trace", "-s", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0


def command(pids, path):
    listed = ",".join(map(str, pids))
    if perf_works():
        return ["perf", "trace", "-s", "-p", listed, "-o", str(path)], read_perf
    if shutil.which("strace"):
        return ["strace", "-f", "-c", "-o", str(path), "-p", listed], read_strace
    raise Trouble("counting system calls needs perf (linux-perf) or strace")


def is_attached(pid, process):
    """strace is there when the server has a tracer; perf says nothing, so it gets the time that it usually takes."""
    if process.args[0] == "perf":
        time.sleep(0.5)
        return True
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return re.search(r"^TracerPid:\s+[1-9]", status.read(), re.M) is not None


@contextlib.contextmanager
def counter(pid, folder):
    """Counts while the block runs, in the process and those that descend from it now."""
    path = folder / "syscalls.txt"
    words, pattern = command(measure.family(pid), path)
    with open(folder / "syscalls.log", "wb") as log:
        process = processes.start(words, log, subprocess.STDOUT)
    try:
        limit = time.monotonic() + ATTACH_LIMIT_S
        while not is_attached(pid, process):
            if process.poll() is not None or time.monotonic() > limit:
                raise Trouble(f"{words[0]} did not attach to the server: {processes.said(folder / 'syscalls.log')}")
            time.sleep(0.02)
        yield Counted(path, pattern)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            processes.end(process, whole_group=True)
