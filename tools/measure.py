"""What the measuring tools share: a server of ours, a run of wrk, a progress line, statistics over rounds.

Python 3 standard library only; loopback only; what is started here is ended here, by its process id.
"""
import datetime
import math
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time

from comparison import stats
from comparison.processes import end as end_process
from comparison.trouble import Trouble

REPO = pathlib.Path(__file__).resolve().parent.parent
START_LIMIT_S = 10
UNIT_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


# --- processes ---

class Server:
    """One quartet process: ready when entered, ended when left."""

    def __init__(self, program, docroot, work, name, *options):
        self.log = work / f"server-{name}.stderr"
        self.out = work / f"server-{name}.stdout"
        self.command = [str(program), "--listen", "127.0.0.1:0", "--root", str(docroot), *options]
        self.process = None
        self.url = None

    def __enter__(self):
        try:
            with open(self.out, "wb") as out, open(self.log, "wb") as log:
                self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                                                start_new_session=True)
        except OSError as error:
            raise Trouble(f"cannot run {self.command[0]}: {error.strerror}") from None
        try:
            self.url = self.wait_ready()
        except BaseException:
            end_process(self.process)
            raise
        return self

    def __exit__(self, *unused):
        end_process(self.process)

    def wait_ready(self):
        """Its address, once it says that it listens."""
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            match = re.search(r"^listening on (http://\S+)$", self.out.read_text(), re.M)
            if match:
                return match[1]
            self.check_alive()
            time.sleep(0.01)
        raise Trouble(f"the server was not ready after {START_LIMIT_S} s: {self.describe()}")

    def check_alive(self):
        """A server that is gone makes no result."""
        if self.process.poll() is not None:
            raise Trouble(f"the server ended by itself with status {self.process.returncode}: {self.describe()}")

    def stop(self):
        """Ends it in good order, so that a trace is whole."""
        self.check_alive()
        if end_process(self.process) != 0:
            raise Trouble(f"the server did not stop in good order: {self.describe()}")

    def describe(self):
        """Its command line and the last it said."""
        said = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n  ".join([" ".join(self.command), *(said or ["(it said nothing on stderr)"])])

    def cpu_s(self):
        """User and system time of all its threads, those that have ended too: the process's own CPU clock, which counts
        nanoseconds where /proc/PID/stat counts ticks of 10 ms. Its number is made as clock_getcpuclockid(3) makes it."""
        try:
            return time.clock_gettime_ns(~self.process.pid << 3 | 2) * 1e-9
        except OSError:
            self.check_alive()
            raise


def wait_wrk(wrk, seconds):
    """wrk knows whole seconds; after any other time it is interrupted, and then reports as usual."""
    try:
        if seconds != int(seconds):
            try:
                return wrk.communicate(timeout=seconds)[0]
            except subprocess.TimeoutExpired:
                wrk.send_signal(signal.SIGINT)
        return wrk.communicate(timeout=seconds + 30)[0]
    except subprocess.TimeoutExpired:
        raise Trouble(f"wrk did not end {seconds + 30} s after its start: {' '.join(wrk.args)}") from None


def run_wrk(url, seconds, connections):
    """A closed loop of one thread; its figures."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{math.ceil(seconds)}s",
               "--latency", url]
    try:
        wrk = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)
    except OSError as error:
        raise Trouble(f"cannot run wrk: {error.strerror} (tools/install-deps load installs it)") from None
    with wrk:
        try:
            output = wait_wrk(wrk, seconds)
        finally:
            end_process(wrk)
    if wrk.returncode != 0:
        raise Trouble(f"wrk failed: {' '.join(command)}\n  {output.strip()}")
    return read_wrk(output)


def read_wrk(output):
    """The figures in wrk's report; a report without requests is no result."""
    count = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if not count or not rate or int(count[1]) == 0:
        raise Trouble(f"wrk got no answers:\n  {output.strip()}")
    latency = {percent: float(number) * UNIT_MS[unit]
               for percent, number, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", output, re.M)}
    errors = re.findall(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)", output)
    return {"count": int(count[1]), "rate": float(rate[1]), "p50_ms": latency["50"], "p99_ms": latency["99"],
            "errors": "; ".join(errors)}


def make_docroot(work, files):
    """A directory with files of these sizes."""
    docroot = work / "www"
    docroot.mkdir()
    for name, size in files.items():
        (docroot / name).write_bytes(b"x" * size)
    return docroot


# --- progress ---

class Progress:
    """One line that says how far we are; on a terminal it is overwritten."""

    def __init__(self, steps, seconds, out=sys.stdout):
        self.steps, self.left_s, self.step, self.out = steps, seconds, 0, out
        self.terminal = out.isatty()

    def report(self, what, seconds):
        """A step begins that takes so long."""
        self.step += 1
        line = f"[{self.step:2d}/{self.steps}] {what:<36s} about {self.left_s:3.0f} s left"
        print(f"\r{line}" if self.terminal else line, end="" if self.terminal else "\n", file=self.out, flush=True)
        self.left_s -= seconds

    def end(self):
        """Leaves an empty line."""
        print(f"\r{'':78s}\r" if self.terminal else "", end="", file=self.out, flush=True)


# --- statistics over rounds ---

def order_interval(values, confidence=0.95):
    """Two of the values that have the median of what they are drawn from between them, with at least this probability.
    None: too few values."""
    ranked = sorted(values)
    low, high, coverage = stats.ranks(len(ranked), confidence)
    return (ranked[low - 1], ranked[high - 1]) if coverage >= confidence else None


def judge(interval, goal):
    """Of a cost that shall be at most `goal`: decided only where the whole interval lies on one side of it."""
    if interval is None or interval[0] <= goal < interval[1]:
        return "not decided"
    return "reached" if interval[1] <= goal else "not reached"


# --- what is needed to repeat a measurement ---

def first_line(*command):
    """What a program says first, or `unknown`."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=REPO, check=False)
    except OSError:
        return "unknown"
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0] if said and (done.returncode == 0 or command[0] == "wrk") else "unknown"


def environment(program):
    """Facts by name."""
    cpu = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": first_line("git", "describe", "--always", "--dirty"),
        "server": first_line(str(program), "--version"),
        "wrk": first_line("wrk", "--version"),
        "kernel": platform.release(),
        "cpu": f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}",
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


# --- a tool's main ---

def run_tool(name, run):
    """Exits with what run() returns. SIGTERM unwinds like Ctrl-C, so that nothing we started is left behind."""
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    try:
        sys.exit(run())
    except Trouble as trouble:
        sys.exit(f"{name}: {trouble}")
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted; what was started has been ended")
