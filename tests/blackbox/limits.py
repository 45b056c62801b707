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

from docroot import HELLO
from harness import PATIENCE_S, eventually, scaled
from servers import FAST, hello, settle, start
from sources import PATIENT, asleep, close_all, kept, sleep
from table import Table, get, require

table = Table("limits", args=("own",))
case = table.case

REAPED = "closed idle to make place for another (--overload reap)"
SKIPPED = "connections turned away and closed without lingering: too many did"
STARTED = "requests whose handler started"
LINGERING_MOST = 64


def count_of(server, text):
    """A counter of a new report; 0 when it is not in it. The report is whole when the next one comes:
    so there are two."""
    mark = "\ncounters"
    before = server.stderr().count(mark)
    for more in (1, 2):
        server.signal(signal.SIGUSR1)
        eventually(lambda n=more: server.stderr().count(mark) >= before + n, "a report comes")
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


def ended(clients):
    """How many of them the server has closed."""
    return sum(not client.quiet_for(0) for client in clients)


# --- threads -----------------------------------------------------------------------------------

STACK = 64 << 20


def large_stacks():
    """In the child: its threads reserve so much."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, hard))


def forbid_threads(server):
    """From here on there is no room for another thread's stack, but enough for all else. Every thread has run by then:
    under AddressSanitizer one that runs for the first time takes memory for a stack of its own kind."""
    eventually(lambda: asleep(server), "all threads have run, and sleep")
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
        with start(world, *flags, "--drain-timeout", "1h", prepare=large_stacks) as server:
            hello(server)
            clients = [server.client() for _ in range(5)]
            begin(server, clients, get("/synthetic/async?ms=60000"))
            forbid_threads(server)
            server.signal(signal.SIGTERM)
            eventually(lambda: "stopping" in server.stderr(), "it says that it stops")
            server.signal(signal.SIGTERM)
            require(server.wait(5) == 0, "still running 5 s after the second SIGTERM")
            close_all(clients)


for model_flags in (("--model", "staged"), ("--model", "loops"),
                    ("--model", "acceptor", "--sessions", "32"), ("--model", "leader-followers")):
    ends_without_threads(model_flags)
del model_flags


@case("a stop with nothing open needs no signal but the first, and no time")
def stops_at_once(world):
    """The thread that closes last says so: --drain-timeout is not waited for."""
    for flags in (("--model", "staged"), ("--model", "loops"), ("--model", "acceptor"),
                  ("--model", "staged", "--processes", "2")):
        with start(world, *flags, "--drain-timeout", "1h") as server:
            hello(server)
            server.signal(signal.SIGTERM)
            require(server.wait(8) == 0, f"{flags}: still running 8 s after SIGTERM")
        if "--processes" in flags:
            continue
        with start(world, *flags, "--drain-timeout", "1h") as server:
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


# --- places of --max-connections ---------------------------------------------------------------

@case("--overload reap: with several homes, an idle connection of any makes place")
def reaps_in_any_home(world):
    """All connections of the home that has most of them are busy, those of the other are idle."""
    with start(world, "--wiring", "L | R*2 | P*8 | W", "--overload", "reap", "--max-connections",
               "12", *PATIENT) as server:
        crowd = kept(server, 12)
        one, other = crowd[0::2], crowd[1::2]
        before = server.descriptors()
        other.pop().close()
        eventually(lambda: server.descriptors() < before, "the server closes it too")
        one += kept(server, 1)
        begin(server, one, sleep(6000))
        for nth in range(1, 5):
            other += kept(server, 1)
            require(all(client.quiet_for(0) for client in one),
                    "the new one had to wait for a busy connection")
            eventually(lambda n=nth: ended(other) == n, f"{nth} have ended for {nth}")
        require(count_of(server, REAPED) == 4, f"{count_of(server, REAPED)} have died for 4")
        for client in one:
            client.abort()
        close_all(other)


REAPING = (("--model", "staged"), ("--model", "loops", "--readers", "4"),
           ("--model", "loops", "--readers", "3", "--accept-mutex", "on"),
           ("--wiring", "LR*2 | P*2 | W"), ("--model", "conn-queue", "--sessions", "4"),
           ("--wiring", "L | rpw*8"))


def reaps_no_more(flags):
    """A case: as many die as places are wanted."""
    @case(f"{' '.join(flags)} --overload reap: one dies for each new connection, and no more")
    def run(world):
        most, rounds, at_once = 8, 30, 4
        with start(world, *flags, "--overload", "reap", "--max-connections", str(most),
                   *PATIENT) as server:
            baseline = settle(server)
            reaped = count_of(server, REAPED)
            crowd = kept(server, most)
            for nth in range(1, rounds + 1):
                new = [server.client() for _ in range(at_once)]
                for client in new:
                    client.send(FAST)
                for client in new:
                    require(client.read_response().body == HELLO, "another answer")
                crowd += new
                eventually(lambda n=nth: ended(crowd) == n * at_once,
                           f"{nth * at_once} have died for {nth * at_once} "
                           f"(now {ended(crowd)})")
            eventually(lambda: server.descriptors() == baseline + most, f"{most} are open")
            died = count_of(server, REAPED) - reaped
            require(died == rounds * at_once, f"{died} have died for {rounds * at_once}")
            close_all(crowd)


for model_flags in REAPING:
    reaps_no_more(model_flags)
del model_flags


@case("--overload reap: nobody dies for a place that has become free meanwhile")
def reaps_nobody_for_a_free_place(world):
    """Both loops run a handler when the place is wanted: one ends, and its connection with it; the
    other, which has idle connections, goes on for longer."""
    with start(world, "--wiring", "L | RPW*2", "--overload", "reap", "--max-connections", "4",
               *PATIENT) as server:
        crowd = kept(server, 4)  # the loops get every other one
        before = server.descriptors()
        crowd.pop().close()
        eventually(lambda: server.descriptors() < before, "the server closes it too")
        crowd += kept(server, 1)
        slow, short, *idle = crowd
        begin(server, (slow, short), sleep(4000),
              get("/synthetic/sleep?ms=1500", "Connection: close"))
        with server.client() as late:
            late.send(FAST)
            require(short.read_response().status == 200, "another answer")
            short.close()
            require(late.read_response().body == HELLO, "another answer")
            require(slow.read_response().status == 200, "another answer")
            for client in (slow, *idle):
                hello(server, client)
        require(count_of(server, REAPED) == 0, "one has died for nothing")
        close_all(crowd)


# --- those that are turned away ----------------------------------------------------------------

TURNING = ((("--model", "staged"), 200), (("--model", "loops"), 200),
           (("--model", "acceptor", "--sessions", "8"), 200),
           (("--model", "staged", "--overload", "reject"), 503))


def turned_away_hold_no_place(flags, status):
    """A case: 429s that linger beside others."""
    @case(f"{' '.join(flags)}: connections that are turned away with 429 take nobody's place")
    def run(world):
        with start(world, *flags, "--max-connections", "6", "--max-connections-per-address", "2",
                   "--linger-timeout", "20s", *PATIENT) as server:
            crowd = [server.client(source="127.0.0.2") for _ in range(2)]
            for client in crowd:
                hello(server, client)
            away = [server.client(source="127.0.0.2") for _ in range(12)]
            for client in away:
                require(client.ask(FAST).status == 429, "not turned away")
            for _ in range(2):
                crowd += [server.client(source=f"127.0.0.{len(crowd) + 1}") for _ in range(2)]
                for client in crowd:
                    hello(server, client)
            with server.client(source="127.0.0.9") as seventh:
                seventh.send(FAST)
                if status == 503:
                    require(seventh.read_response().status == 503, "there is room for seven")
                else:
                    require(seventh.quiet_for(0.2), "there is room for seven")
            close_all(crowd + away)


for model_flags, at_limit in TURNING:
    turned_away_hold_no_place(model_flags, at_limit)
del model_flags, at_limit


@case("at most 64 connections linger after a 429; the others are answered, closed and counted")
def few_linger(world):
    """None of them closes by itself."""
    with start(world, "--model", "staged", "--max-connections-per-address", "1",
               "--linger-timeout", "20s", *PATIENT) as server:
        first = kept(server, 1)
        before = server.descriptors()
        away = [server.client() for _ in range(LINGERING_MOST + 40)]
        for client in away:
            require(client.read_response().status == 429, "not turned away")
            client.expect_end(allow_reset=True)
        most = before + LINGERING_MOST
        eventually(lambda: server.descriptors() <= most, f"{LINGERING_MOST} linger, not more")
        require(count_of(server, SKIPPED) == 40, "the report does not say how many did not")
        close_all(away)
        eventually(lambda: server.descriptors() == before, "all are closed")
        hello(server, first[0])
        close_all(first)


# --- connections and sessions ------------------------------------------------------------------

@case("reaped-pool: --max-connections is the number of sessions, where nobody says another")
def budget(world):
    """So all have one, and one more makes the oldest die."""
    with start(world, "--model", "reaped-pool", "--max-connections", "40", *PATIENT) as server:
        crowd = kept(server, 40)
        require(ended(crowd) == 0, "one has died")
        eventually(lambda: asleep(server), "all are idle, also for the server")
        crowd += kept(server, 1)
        crowd[0].expect_end()
        require(ended(crowd[1:]) == 0, "another one died too")
        close_all(crowd)


def refused(world, *flags):
    """What it says, in one line."""
    done = subprocess.run([world.program, "--check", "--root", str(world.root), *flags],
                          capture_output=True, check=False, timeout=scaled(PATIENCE_S))
    errors = done.stderr.decode()
    require(done.returncode == 2 and errors.count("\n") == 1,
            f"{flags}: exit code {done.returncode}, {errors!r}")
    return errors


@case("--overload reap: more connections than sessions that hold them are refused")
def budget_contradicts(world):
    """Whichever module counts the sessions."""
    for flags in (("--model", "reaped-pool", "--sessions", "15", "--max-connections", "400"),
                  ("--model", "reaped-pool", "--max-threads", "15", "--max-connections", "16"),
                  ("--model", "reaped-pool", "--max-connections", "2000"),
                  ("--wiring", "L | rpw*15", "--overload", "reap", "--max-connections", "16"),
                  ("--wiring", "L | r*4 | P | W", "--overload", "reap", "--max-connections", "5"),
                  ("--model", "acceptor", "--sessions", "4", "--overload", "reap",
                   "--max-connections", "4"),
                  ("--model", "worker-stack", "--sessions", "9", "--overload", "reap",
                   "--max-connections", "10")):
        errors = refused(world, *flags)
        require("--max-connections" in errors and "session" in errors, f"it says {errors!r}")
    require("session" in refused(world, "--model", "acceptor", "--sessions", "1", "--overload",
                                 "reap"), "it does not say why")


@case("sessions that hold their clients for life may be fewer than connections without reap")
def no_budget(world):
    """Then clients wait, or are turned away, as the policy says; with a poller they are not held."""
    for flags in (("--model", "acceptor", "--sessions", "4"),
                  ("--model", "worker-stack", "--sessions", "4"),
                  ("--model", "reaped-pool", "--overload", "wait"),
                  ("--model", "conn-queue", "--sessions", "4", "--overload", "reap"),
                  ("--model", "event-mpm", "--sessions", "4", "--overload", "reap"),
                  ("--model", "leader-followers", "--processors", "4", "--overload", "reap")):
        done = subprocess.run([world.program, "--check", "--root", str(world.root), *flags,
                               "--max-connections", "50"], capture_output=True, check=False)
        require(done.returncode == 0, f"{flags}: {done.stderr!r}")


@case("acceptor with --overload reap: a session is left that sees the next client")
def accepting_reaps(world):
    """Three connections for four sessions; each new one makes the oldest die."""
    with start(world, "--model", "acceptor", "--sessions", "4", "--overload", "reap",
               *PATIENT) as server:
        crowd = kept(server, 3)
        require(ended(crowd) == 0, "one has died")
        for nth in range(1, 7):
            eventually(lambda: asleep(server), "all are idle, also for the server")
            crowd += kept(server, 1)
            crowd[nth - 1].expect_end()
            require(ended(crowd[nth:]) == 0, "another one died too")
        close_all(crowd)
