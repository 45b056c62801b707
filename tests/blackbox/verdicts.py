"""The verdict of a trace follows the bottleneck into each stage, and the checks of a trace hold.

Each case makes one stage the slowest by a load that only that stage feels, and asks quartet-trace
what limited the server.
"""

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from harness import PATIENCE_S, CaseFailed, Server, scaled
from table import Table, get, require
from load import read_trace

table = Table("verdicts", args=("own",))
case = table.case

SECONDS = 1.0


def busy_seconds():
    """CPU time of all programs so far, on the CPUs that this one may use."""
    allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    with open("/proc/stat", encoding="ascii") as file:
        lines = [line.split() for line in file if line.split()[0] in allowed]
    # user, nice, system, irq, softirq and steal: neither idle nor waiting for a disk
    ticks = sum(sum(int(line[i]) for i in (1, 2, 3, 6, 7, 8)) for line in lines)
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds(server):
    """CPU time of the server, of this program and of the clients that it has waited for."""
    return server.cpu_seconds() + sum(os.times()[:4])


def judged(world, work, *flags):
    """The JSON of a traced run under `work`; its checks must hold. `full`: the share of the CPUs
    that was in use meanwhile; `others`: how many CPUs other programs used of that."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with Server(world.program, ["--root", str(world.root), "--synthetic", "on", "--trace",
                                    path, *flags]) as server:
            began, busy, own = time.monotonic(), busy_seconds(), own_seconds(server)
            work(server)
            took = time.monotonic() - began
            share = (busy_seconds() - busy) / took
            others = share - (own_seconds(server) - own) / took
            server.signal(signal.SIGTERM)
            server.wait(15)
        text, told = read_trace(world, path)
        shown = re.sub(r"\s+", " ", text[text.index("\nverdict"):])
        require(told["verdict"]["text"] in shown, f"the table has another verdict: {shown}")
        told["full"] = share / len(os.sched_getaffinity(0))
        told["others"] = others
        return told


# Where other programs have the CPUs, a stage that is the slowest by far may not be full: then the
# verdict may name the CPUs, if that is true. A part of `work` is the start of its clients.
FULL = 0.7
OTHERS = 0.25  # CPUs
# A run of a second in which clients and server wait for each other's CPU, or other programs take it, says nothing of the
# rule: it is measured again, so often. A verdict that is wrong is so each time.
TRIES = 5


def follows(world, work, flags, limit, cause, words=""):
    """The JSON of a run under `work` whose verdict is this; None where the server lacked CPUs and the
    verdict says so."""
    for _ in range(TRIES):
        told = judged(world, work, *flags)
        verdict = told["verdict"]
        if (verdict["limit"], verdict["cause"]) == (limit, cause) and words in verdict["text"]:
            groups = told["report"]["groups"]
            letters = groups[verdict["group"]]["letters"] if verdict["group"] >= 0 else ""
            require(limit in letters, f"group {verdict['group']} is {letters}")
            return told
        disturbed_run = told["others"] >= OTHERS
        if (disturbed_run or told["full"] >= FULL) and names_cpus(verdict, limit, cause):
            return None
    raise CaseFailed(f"wanted {limit} {cause} {words!r}; {told['full']:.2f} of the CPUs were in use, "
                     f"{told['others']:.2f} CPUs by other programs; got {verdict}")


def names_cpus(verdict, limit, cause):
    """Are the CPUs the limit? A stage that lacks only some of its time is still the busiest."""
    return verdict["cause"] == "cpu" or (
        cause == "busy" and verdict["cause"] == "none"
        and f"the busiest group, {limit}," in verdict["text"])


def wrk(target, connections, seconds=SECONDS):
    """A closed loop on one target."""
    def work(server):
        host, port = server.address
        subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s",
                        f"http://{host}:{port}{target}"], capture_output=True, check=True,
                       timeout=scaled(PATIENCE_S))
    return work


def side_by_side(client, *args):
    """Eight of these clients at once."""
    def work(server):
        threads = [threading.Thread(target=client, args=(server, *args)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return work


@case("an expensive input filter makes the reader the limit", True)
def reader(world):
    follows(world, wrk("/synthetic/input?us=2000&how=spin", 8), ("--model", "staged"), "R",
            "busy", "R limits: its 1 thread was busy")


@case("handlers that sleep make the processors the limit, without a CPU", True)
def processors_asleep(world):
    told = follows(world, wrk("/synthetic/sleep?ms=20", 64),
                   ("--model", "staged", "--processors", "8"), "P", "busy",
                   "P limits: its 8 threads were busy")
    if told is not None:
        on_cpu = int(re.search(r"\((\d+) % of that on a CPU", told["verdict"]["text"])[1])
        require(on_cpu <= 10, told["verdict"]["text"])


@case("handlers that burn CPU make the processors the limit", True)
def processors_at_work(world):
    follows(world, wrk("/synthetic/spin?us=2000", 32),
            ("--model", "staged", "--processors", "1"), "P", "busy",
            "requests waited in front of it")


def discard(server):
    """Large answers that cost their client next to nothing: the kernel throws them away."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket() as client:
            client.connect(server.address)
            client.sendall(get("/synthetic/bytes?n=50000000", "Connection: close"))
            while client.recv(1 << 20, socket.MSG_TRUNC):
                pass


@case("large answers make the writer the limit", True)
def writer(world):
    follows(world, side_by_side(discard), ("--model", "staged"), "W", "busy",
            "W limits: its 1 thread was busy")


def read_slowly(server, target):
    """A large answer through a small window, some MB a second at most, for a while."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        client.connect(server.address)
        client.sendall(get(target, "Connection: close"))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and client.recv(8192):
            time.sleep(0.002)  # the slow link itself, not a wait for anything
        while client.recv(1 << 20):
            pass


@case("clients behind a slow link are the limit, in the writer", True)
def slow_link(world):
    """Above the mark the handler waits for them, below it the writer alone does."""
    for target, words in (("/synthetic/bytes?n=9000000", "(write.blocked)"),
                          ("/synthetic/stream?chunks=90&size=100000&ms=0",
                           "above --output-highwater")):
        follows(world, side_by_side(read_slowly, target), ("--model", "staged"), "W", "clients",
                words)


def churn(address, until):
    """Connections that come and go and ask for nothing. Where the accept queue is full the kernel would wait a second
    before it tried again, and the listener would have nothing to do meanwhile."""
    at_once = struct.pack("ii", 1, 0)
    while time.monotonic() < until:
        with socket.socket() as client, contextlib.suppress(TimeoutError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            client.settimeout(0.01)
            client.connect(address)


CHURN = """
import sys; sys.path.insert(0, sys.argv[1])
import time, verdicts
verdicts.churn((sys.argv[2], int(sys.argv[3])), time.monotonic() + float(sys.argv[4]))
"""


@case("connections that come and go make the one listener the limit", True)
def listener(world):
    def work(server):
        host, port = server.address
        here = os.path.dirname(os.path.abspath(__file__))
        clients = [subprocess.Popen(["python3", "-c", CHURN, here, host, str(port),
                                     str(2 * SECONDS)]) for _ in range(4)]
        for client in clients:
            require(client.wait(timeout=scaled(PATIENCE_S)) == 0, "a client failed")
    told = follows(world, work, ("--wiring", "L | R*8 | P | W", "--defer-accept", "off",
                                 "--accept-limit", "1", "--batch", "1", "--doorbell", "pipe"),
                   "L", "busy", "for a connection")
    if told is None:
        return
    accept = told["report"]["queues"][0]
    require(accept["accept"] and accept["depth_max"] > 0, f"the kernel's accept queue: {accept}")


@case("where stages share a thread, the one that takes the time is named", True)
def fused(world):
    follows(world, wrk("/synthetic/spin?us=2000", 16), ("--model", "loops", "--readers", "1"), "LRPW",
            "busy", "P took")


@case("a server that is hardly used has no limit", True)
def idle(world):
    def work(server):
        with server.client() as client:
            for _ in range(30):
                require(client.ask(get("/hello.txt")).status == 200, "status")
                time.sleep(0.03)  # the load is to be light
    follows(world, work, ("--model", "staged"), "", "none", "No stage limits")


@case("a server that nobody asked is not judged", True)
def unused(world):
    follows(world, lambda server: None, ("--model", "staged"), "", "idle", "Nothing was asked")


@case("clients that send at once make the load the limit, while no stage is busy")
def closed(world):
    """One connection, and so one request at a time, of which the handler sleeps for a part."""
    told = follows(world, wrk("/synthetic/async?ms=2", 1), ("--model", "staged"), "", "load",
                   "The load limits: no stage does")
    require(told is None or "in the server" in told["verdict"]["text"], f"{told}")


@case("other programs that use all CPUs are named as the limit")
def disturbed(world):
    """Programs that only compute, more of them than there are CPUs."""
    def work(server):
        count = 2 * len(os.sched_getaffinity(0))
        burners = [subprocess.Popen(["python3", "-c", "while True: pass"]) for _ in range(count)]
        try:
            wrk("/synthetic/spin?us=200", 8)(server)
        finally:
            for burner in burners:
                burner.kill()
                burner.wait()
    verdict = judged(world, work, "--model", "staged", "--processors", "1")["verdict"]
    require(verdict["cause"] == "cpu" and verdict["limit"] == "", f"{verdict}")
    found = re.search(r"The machine was full: the server used (\d+\.\d+) of (\d+) CPUs, other "
                      r"programs (\d+\.\d+)", verdict["text"])
    require(found and float(found[3]) > 0.5 * int(found[2]), f"{verdict}")


@case("the begin of a run, with its burst, is not judged")
def burst(world):
    """Handlers that sleep are full for half a second; then requests come one by one for three."""
    def work(server):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(server.client()) for _ in range(64)]
            for client in clients:
                client.send(get("/synthetic/sleep?ms=20") * 3)
            for client in clients:
                for _ in range(3):
                    require(client.read_response().status == 200, "status")
            end = time.monotonic() + 3
            while time.monotonic() < end:
                require(clients[0].ask(get("/hello.txt")).status == 200, "status")
                time.sleep(0.03)  # the load is to be light
    told = follows(world, work, ("--model", "staged", "--processors", "8"), "", "none",
                   "No stage limits")
    if told is not None:
        share = told["verdict"]["since_ns"] / told["report"]["wall_ns"]
        require(share < 0.9, f"{share} of the run is judged")


@case("Little's law holds in each stage where it can be told", True)
def little(world):
    told = judged(world, wrk("/synthetic/sleep?ms=7", 32, 4), "--model", "staged", "--processors",
                  "16")
    checks = {check["name"]: check for check in told["checks"]}
    require(checks["Little, process"]["outcome"] == "holds", f"{checks}")
    for name in ("Little, read", "Little, wait", "Little, write"):  # hardly any are in two of them
        require(checks[name]["outcome"] in ("holds", "unknown"), f"{checks[name]}")
    require("too few" in checks["Little, read"]["text"], f"{checks['Little, read']}")
    seen = float(re.search(r": ([\d.]+) in it", checks["Little, process"]["text"])[1])
    require(8 < seen < 17, f"16 sleep most of the time: {seen}")
