"""Limits: what the server does when the system, or a limit of its own, gives it no more.

Threads that cannot be started or pinned, places of --max-connections that are wanted, wasted or held
by those who are turned away, sessions that are fewer than connections. Each case starts the models
that it concerns itself.
"""

import ctypes
import os
import platform
import re
import resource
import signal
import struct
import subprocess
import tempfile

from harness import eventually
from servers import hello, start
from sources import PATIENT, close_all, kept
from table import Table, get, require

table = Table("limits", args=("own",))
case = table.case

STARTED = "requests whose handler started"


def count_of(server, text):
    """A counter of a new report; 0 when it is not in it. The report is whole when the next one comes:
    so there are two."""
    mark = "\ncounters"
    before = server.stderr().count(mark)
    for more in (1, 2):
        server.signal(signal.SIGUSR1)
        eventually(lambda n=more: server.stderr().count(mark) >= before + n, "a report comes", 3)
    found = re.search(rf"^ +(\d+)  {re.escape(text)}$", server.stderr().split(mark)[before + 1],
                      re.M)
    return int(found.group(1)) if found else 0


def begin(server, clients, *texts):
    """Each client sends its request (the last text for those that are left), and the server is at
    work on all of them: none of these connections is idle, or new, for it any more."""
    before = count_of(server, STARTED)
    for nth, client in enumerate(clients):
        client.send(texts[min(nth, len(texts) - 1)])
    eventually(lambda: count_of(server, STARTED) == before + len(clients),
               f"{len(clients)} handlers have started")


# --- threads -----------------------------------------------------------------------------------

STACK = 64 << 20


def large_stacks():
    """In the child: its threads reserve so much."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, hard))


def forbid_threads(server):
    """From here on there is no room for another thread's stack, but enough for all else."""
    with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
        used = int(re.search(r"VmSize:\s+(\d+)", file.read()).group(1)) << 10
    most = used + STACK // 2
    resource.prlimit(server.pid, resource.RLIMIT_AS, (most, most))


def ends_without_threads(flags):
    """Cases: what is in flight is answered, and a second signal cuts it."""
    @case(f"{' '.join(flags)}: SIGTERM when no thread can be started loses no answer")
    def drain(world):
        with start(world, *flags, prepare=large_stacks) as server:
            hello(server)
            clients = [server.client() for _ in range(20)]
            begin(server, clients, get("/synthetic/async?ms=1500"))
            forbid_threads(server)
            server.signal(signal.SIGTERM)
            for client in clients:
                response = client.read_response()
                require(response.status == 200 and response.says_close(), "another answer")
                client.expect_end(allow_reset=True)
            require(server.wait(5) == 0, f"exit code {server.process.returncode}")

    @case(f"{' '.join(flags)}: a second SIGTERM cuts, also when no thread can be started")
    def cut(world):
        with start(world, *flags, "--drain-timeout", "60s", prepare=large_stacks) as server:
            hello(server)
            clients = [server.client() for _ in range(5)]
            begin(server, clients, get("/synthetic/async?ms=60000"))
            forbid_threads(server)
            server.signal(signal.SIGTERM)
            eventually(lambda: "stopping" in server.stderr(), "it says that it stops", 3)
            server.signal(signal.SIGTERM)
            require(server.wait(5) == 0, "still running 5 s after the second SIGTERM")
            close_all(clients)


for model_flags in (("--model", "staged"), ("--model", "loops"),
                    ("--model", "acceptor", "--sessions", "32"), ("--model", "leader-followers")):
    ends_without_threads(model_flags)
del model_flags


@case("a stop with nothing open needs no signal but the first, and no time")
def stops_at_once(world):
    """Whoever closes last says so: --drain-timeout is not waited for."""
    for flags in (("--model", "staged"), ("--model", "loops"), ("--model", "acceptor"),
                  ("--model", "staged", "--processes", "2")):
        with start(world, *flags, "--drain-timeout", "60s") as server:
            hello(server)
            server.signal(signal.SIGTERM)
            require(server.wait(8) == 0, f"{flags}: still running 8 s after SIGTERM")
        if "--processes" in flags:
            continue
        with start(world, *flags, "--drain-timeout", "60s") as server:
            hello(server)
            clients = [server.client() for _ in range(3)]
            begin(server, clients, get("/synthetic/async?ms=1000"))
            server.signal(signal.SIGTERM)
            for client in clients:
                require(client.read_response().status == 200, "another answer")
                client.close()
            require(server.wait(8) == 0, f"{flags}: still running 8 s after the last answer")


def forbid_affinity():
    """In the child: sched_setaffinity(2) fails as it does when none of the CPUs may be used."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 203, "aarch64": 122}[platform.machine()]
    load, jump, leave = 0x20, 0x15, 0x06
    code = ((load, 0, 0, 0), (jump, 0, 1, number), (leave, 0, 0, 0x00050000 | 22),
            (leave, 0, 0, 0x7fff0000))
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code),
                                                      ctypes.addressof(text)))
    zero = ctypes.c_ulong(0)
    libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero)  # no new privileges
    libc.prctl(22, ctypes.c_ulong(2), ctypes.c_void_p(ctypes.addressof(program)), zero, zero)


def affinity_can_be_forbidden():
    """Not in every sandbox."""
    probe = ("import limits, os\nlimits.forbid_affinity()\n"
             "try: os.sched_setaffinity(0, os.sched_getaffinity(0))\nexcept OSError: print('no')")
    done = subprocess.run(["python3", "-c", probe], capture_output=True, check=False,
                          cwd=os.path.dirname(__file__))
    return done.stdout == b"no\n"


@case("a thread that cannot be put on its CPU goes on, and the log says so once")
def no_affinity(world):
    """Those of the start and those that come on demand; pinned or not."""
    if not affinity_can_be_forbidden():
        print("not run here: seccomp filters are not available", flush=True)
        return
    cpu = min(os.sched_getaffinity(0))
    for flags, words in ((("--model", "staged", "--processors", "4"), "the CPUs of the server"),
                         (("--model", "loops", "--pin", f"R={cpu}"), f"to CPU {cpu}"),
                         (("--model", "worker-stack", "--min-threads", "1", "--max-threads", "8",
                           *PATIENT), "the CPUs of the server")):
        with start(world, *flags, prepare=forbid_affinity) as server:
            crowd = kept(server, 5)
            lines = [line for line in server.stderr().splitlines() if words in line]
            require(len(lines) == 1, f"{flags}: {len(lines)} lines: {lines[:2]}")
            close_all(crowd)


@case("no descriptor of the server survives an exec")
def close_on_exec(world):
    """Listening sockets that threads share, logs, bells, loops, connections."""
    with tempfile.TemporaryDirectory(prefix="quartet-limits-") as folder:
        log, trace = os.path.join(folder, "log"), os.path.join(folder, "trace")
        for flags in (("--model", "staged"), ("--model", "loops", "--readers", "3"),
                      ("--model", "acceptor", "--sessions", "8", "--doorbell", "pipe")):
            with start(world, *flags, "--access-log", log, "--trace", trace, "--accept-mutex", "on",
                       listen=("127.0.0.1:0", f"unix:{folder}/sock")) as server:
                crowd = kept(server, 4)
                open_files = inherited(server)
                require(not open_files, f"{flags}: {open_files} would")
                close_all(crowd)


def inherited(server):
    """Its descriptors without O_CLOEXEC, but for the standard ones."""
    found = []
    for name in os.listdir(f"/proc/{server.pid}/fdinfo"):
        try:
            with open(f"/proc/{server.pid}/fdinfo/{name}", encoding="ascii") as file:
                flags = int(re.search(r"flags:\s+(\d+)", file.read()).group(1), 8)
            if int(name) > 2 and not flags & os.O_CLOEXEC:
                found.append(os.readlink(f"/proc/{server.pid}/fd/{name}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return found
