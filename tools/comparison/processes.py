"""Starting and ending programs. Each is in a session of its own; what is started here is ended here, by its id, and
ends with us even where we are killed."""
import ctypes
import os
import select
import signal
import subprocess

from . import cgroups

STOP_LIMIT_S = 15
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def begin(parent, cpus, group=None, nice=0):
    """In the child, before it becomes the program. The parent may be gone already, or go before that: so the signal must
    not meet a handler that ends with this image, and a process that started too late sees another parent."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
    if cpus:
        os.sched_setaffinity(0, cpus)
    if group:
        cgroups.enter(group.folder)
    if nice:
        set_session_nice(nice)


def set_session_nice(nice):
    """Of this process's session. Each program has one of its own here, and where the scheduler groups by sessions
    (sched_autogroup_enabled) a process's own nice value counts only within its session. Where that is not so, or not
    allowed, nothing changes."""
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as group:
            group.write(str(nice))
    except OSError:
        pass


def start(command, out, err, cwd=None, cpus=None, group=None, nice=0):
    """On these CPUs, or on those of this program; in this cgroup, or in ours; `nice` is that of its session."""
    parent = os.getpid()
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
        cwd=cwd,
        preexec_fn=lambda: begin(parent, cpus, group, nice),
    )


def wait(process, seconds):
    """Its status, or subprocess.TimeoutExpired. This program sleeps meanwhile: Popen.wait() with a limit would wake up
    twenty times a second, on CPUs that are measured."""
    ended = os.pidfd_open(process.pid)
    try:
        if not select.select([ended], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(process.args, seconds)
    finally:
        os.close(ended)
    return process.wait()


def ask(command, cpus):
    """(status, stdout, stderr) of a program that ends by itself, on these CPUs."""
    parent = os.getpid()
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: begin(parent, cpus),
    )
    return done.returncode, done.stdout, done.stderr


def signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def end(process, whole_group=False):
    """SIGTERM, and SIGKILL for one that does not listen. Returns its status. Our own server passes signals on to its
    children itself; of others the whole group gets them."""
    if process.poll() is None:
        if whole_group:
            signal_group(process, signal.SIGTERM)
        else:
            process.terminate()
    try:
        status = process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        signal_group(process, signal.SIGKILL)
        status = process.wait()
    signal_group(process, signal.SIGKILL)  # what its leader has left behind
    return status


def said(path, lines=6):
    """The last that a program wrote."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return " / ".join(line.strip() for line in log.read().splitlines()[-lines:] if line.strip())
    except OSError:
        return ""
