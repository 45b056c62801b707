#!/usr/bin/env python3
"""Runs servers whose system calls fail by a seed (failing_calls.c), and says what they did wrong.

    run.py --server build/dev/quartet --preload build/dev/tests/failing_calls.so
    run.py ... --models staged,loops --seeds 1,2,3 --connections 2000
    run.py ... --only start

Under load, for each model and seed: every answer is whole and right, or says 5xx, or its connection is closed; no
client waits for ever; afterwards each request begun is answered or abandoned, all descriptors are closed, the log has
named the failures, and the server ends by SIGTERM. At the start: one failure, one line, exit status 1, no abort.
Last line: `N passed, N failed`; exit status 1 when something failed.
"""

import argparse
import mmap
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1] / "blackbox"))

# pylint: disable=wrong-import-position
import docroot
import harness
from harness import CaseFailed, Malformed, Server, eventually
from servers import FAST, PRESETS, back_to, settle, sockets_of
from status import status_of
from table import get, post, require

# What fails under load, and how often. Failures that end a connection are rare, so that most connections live long
# enough to meet several others.
UNDER_LOAD = (
    "accept4:ECONNABORTED:0.02,accept4:EINTR:0.02,accept4:EPROTO:0.01,accept4:EMFILE:0.01,accept4:ENFILE:0.005,"
    "accept4:ENOBUFS:0.005,accept4:ENOMEM:0.005,"
    "recv:EINTR:0.03,recv:EAGAIN:0.03,recv:short:0.15,recv:ECONNRESET:0.003,recv:ENOMEM:0.003,"
    "send:EINTR:0.03,send:EAGAIN:0.05,send:short:0.15,send:EPIPE:0.003,send:ENOBUFS:0.003,send:ENOMEM:0.003,"
    "sendfile:EINTR:0.05,sendfile:EAGAIN:0.05,sendfile:short:0.2,sendfile:EIO:0.01,sendfile:ENOMEM:0.01,"
    "openat2:EINTR:0.05,openat2:EAGAIN:0.02,openat2:EMFILE:0.03,openat2:ENFILE:0.02,openat2:ENOMEM:0.02,"
    "fstat:EIO:0.02,fstat:ENOMEM:0.02,read:EINTR:0.05,read:short:0.1,read:EIO:0.02,"
    "epoll_ctl:ENOMEM:0.02,epoll_ctl:ENOSPC:0.01,setsockopt:ENOBUFS:0.02,setsockopt:ENOMEM:0.02,"
    "pthread_create:EAGAIN:0.2")

# What fails while the server starts: each call of a kind, or some of them.
AT_START = ("epoll_create1:EMFILE:1", "epoll_create1:ENOMEM:1", "eventfd:EMFILE:1", "eventfd:ENOMEM:0.3",
            "pipe2:EMFILE:1", "pipe2:EMFILE:0.3", "socket:EMFILE:1", "socket:ENOBUFS:1", "setsockopt:ENOBUFS:1",
            "setsockopt:EPERM:1", "pthread_create:EAGAIN:1", "pthread_create:EAGAIN:0.3", "epoll_ctl:ENOMEM:1",
            "epoll_ctl:ENOSPC:1", "malloc:ENOMEM:1", "malloc:ENOMEM:0.3", "malloc:ENOMEM:0.02", "openat2:EMFILE:1",
            "fstat:EIO:1")

SMALL_FILES = 24
CACHED = 8  # which files these are, and so how many are open, is chance
CLIENTS = 6
REQUESTS_EACH = 8


class Failures:
    """The rules of one server, and the counts that it shares."""

    def __init__(self, rules, seed, preload, folder):
        self.rules = rules.split(",")
        path = Path(folder) / f"control-{seed}-{os.urandom(4).hex()}"
        path.write_bytes(bytes(8 * 65))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(preload), "QUARTET_FAIL": rules, "QUARTET_FAIL_SEED": str(seed),
                            "QUARTET_FAIL_CONTROL": str(path)}

    def prepare(self):
        """In the child, ahead of the program."""
        os.environ.update(self.environment)

    def arm(self, on):
        """From now on calls fail, or do not."""
        struct.pack_into("Q", self.map, 0, on)

    def made(self, prefix=""):
        """How many failures there were, of the rules that begin so."""
        counts = struct.unpack_from(f"{len(self.rules)}Q", self.map, 8)
        return sum(n for rule, n in zip(self.rules, counts) if rule.startswith(prefix))


class World:
    """What all runs share."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.root = docroot.build(folder)
        self.large = docroot.large_bytes()
        for i in range(SMALL_FILES):
            (self.root / f"small-{i}.txt").write_bytes(self.small(i))

    @staticmethod
    def small(i):
        """The contents of one of many files: more than the cache has entries for."""
        return b"%d, " % i * (50 + 400 * i)

    def mix(self, draw):
        """(request, the right body or None for any, statuses that are right beside 5xx)."""
        kind = draw.randrange(8)
        if kind < 3:
            i = draw.randrange(SMALL_FILES)
            return get(f"/small-{i}.txt"), self.small(i), (200,)
        if kind == 3:
            start = draw.randrange(docroot.LARGE_SIZE - 400_000)
            length = draw.randrange(1, 400_000)
            return (get("/large.bin", f"Range: bytes={start}-{start + length - 1}"),
                    self.large[start:start + length], (206,))
        if kind == 4:
            body = draw.randbytes(draw.randrange(1, 30_000))
            return post("/synthetic/echo", body), body, (200,)
        if kind == 5:
            return get("/synthetic/stream?chunks=20&size=3000&ms=0"), None, (200,)
        if kind == 6:
            return get("/synthetic/async?ms=1"), None, (200,)
        return get(f"/no-such-{draw.randrange(1000)}"), None, (404,)


class Crowd:
    """Clients side by side that check what they get."""

    def __init__(self, world, server, seed, connections):
        self.world, self.server = world, server
        self.left, self.lock = connections, threading.Lock()
        self.counts, self.failures = {}, []
        self.threads = [threading.Thread(target=self.run, args=(random.Random(f"{seed}-{i}"),))
                        for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()

    def note(self, what):
        """Counts an outcome."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def next(self):
        """Is there one more connection to make?"""
        with self.lock:
            self.left -= 1
            return self.left >= 0 and not self.failures

    def run(self, draw):
        """One client."""
        while self.next():
            try:
                self.converse(draw)
            except OSError as error:
                self.note(f"connecting: {error.strerror}")
            except CaseFailed as failure:
                self.failures.append(str(failure))

    def converse(self, draw):
        """One connection."""
        with self.server.client() as client:
            for _ in range(REQUESTS_EACH):
                if not self.ask(client, draw):
                    return
            self.note("connection used up")

    def ask(self, client, draw):
        """One request. False: the connection is over."""
        data, body, statuses = self.world.mix(draw)
        try:
            response = client.ask(data)
        except Malformed:
            raise
        except CaseFailed as failure:
            if client.eof:
                self.note("closed inside an answer" if client.buffer else "closed")
                return False
            raise CaseFailed(f"{data[:60]!r}: {failure}") from None
        if response.status in (408, 429, 500, 503):
            self.note(response.status)
            return not response.says_close()
        require(response.status in statuses, f"{data[:60]!r}: status {response.status}")
        require(body is None or response.body == body, f"{data[:60]!r}: the body is wrong")
        self.note("whole")
        return not response.says_close()


def check_flow(server):
    """Each request begun is answered or abandoned."""
    def look():
        with server.client() as client:
            flow = status_of(client)["report"]["flow"]
        return flow["begun"] == flow["ended"] + flow["abandoned"] and flow["whole"] == flow["ended"]

    eventually(look, "all requests begun are answered or abandoned")


# What the log says of a failed call: (rules, line).
NAMED = (("accept4:EM", r"cannot accept: "), ("pthread_create", r"cannot start thread "))


def check_log(server, failures):
    """Each kind that is logged is there, and the log is no flood: a line a second of a kind."""
    text = server.stderr()
    for rule, line in NAMED:
        require(not failures.made(rule) or re.search(line, text), f"{rule} failed and the log does not say so")
    require(len(text.splitlines()) < 300, f"the log has {len(text.splitlines())} lines")


def under_load(world, model, seed):
    """One model, one seed. What is right, as a line."""
    options = world.options
    failures = Failures(options.rules or UNDER_LOAD, seed, options.preload, world.folder)
    args = ["--model", model, "--root", str(world.root), "--synthetic", "on", "--file-cache-entries", str(CACHED),
            "--keepalive-timeout", "60s", "--header-timeout", "60s", "--body-timeout", "60s", "--max-body-size", "64K"]
    if model == "acceptor":
        args += ["--sessions", "32"]
    with Server(options.server, args, prepare=failures.prepare) as server:
        with server.client() as client:
            for i in range(SMALL_FILES):
                client.ask(get(f"/small-{i}.txt"))
        before, sockets = settle(server), sockets_of(server)
        failures.arm(1)
        crowd = Crowd(world, server, seed, options.connections)
        failures.arm(0)
        require(server.alive(), f"the server is gone ({crowd.counts})")
        require(not crowd.failures, f"{crowd.failures[0] if crowd.failures else ''} ({crowd.counts})")
        require(failures.made() > 0, "no call failed")
        settle(server)
        eventually(lambda: sockets_of(server) <= sockets, "all connections are closed")
        back_to(server, before + CACHED)
        check_flow(server)
        check_log(server, failures)
    shown = ", ".join(f"{what} {count}" for what, count in sorted(crowd.counts.items(), key=str))
    return f"{failures.made()} failures; {shown}"


def at_start(world, rule):
    """The server starts all the same, or says why not in a line."""
    options = world.options
    failures = Failures(rule, 1, options.preload, world.folder)
    failures.arm(1)
    more = ["--doorbell", "pipe"] if rule.startswith("pipe2") else []
    try:
        with Server(options.server, ["--root", str(world.root), *more], prepare=failures.prepare) as server:
            failures.arm(0)
            server.signal(15)
            server.wait(15)
        return f"starts, {failures.made()} failures"
    except CaseFailed as failure:
        # A thread of the server may find out when the main thread has said already where it listens.
        found = re.search(r"ended with (?:exit code )?(-?\d+)(?: at start: |; ).*?(quartet: .*)", str(failure), re.S)
        require(found and found[1] == "1" and "bug:" not in found[2] and "\n" not in found[2], str(failure))
        return found[2]


def without_timeouts(world):
    """No socket takes a receive timeout: sessions wait for their clients all the same, and not for ever."""
    options = world.options
    failures = Failures("setsockopt:ENOBUFS:1", 1, options.preload, world.folder)
    failures.arm(1)
    with Server(options.server, ["--model", "acceptor", "--sessions", "8", "--root", str(world.root),
                                 "--keepalive-timeout", "300ms"], prepare=failures.prepare) as server:
        before = failures.made()
        with server.client() as client:
            client.send(2 * FAST)  # at once: a client without a CPU would come too late with the second
            for _ in range(2):
                require(client.read_response().status == 200, "not answered")
            client.expect_end()
        require(failures.made() > before, "no session asked for a timeout")
    return "sessions poll"


def without_memory(world):
    """Under load an allocation fails: the server says so and ends, and is no bug."""
    options = world.options
    failures = Failures("malloc:ENOMEM:0.01", 1, options.preload, world.folder)
    server = Server(options.server, ["--root", str(world.root), "--synthetic", "on"], prepare=failures.prepare)
    try:
        failures.arm(1)
        Crowd(world, server, 1, options.connections)
        require(server.wait(harness.PATIENCE_S) == 1, f"exit status {server.process.returncode}")
        require(re.search(r"^quartet: out of memory: cannot allocate \d+ bytes$", server.stderr(), re.M),
                f"stderr is {server.stderr()}")
    finally:
        server.kill()
    return "says so and ends"


def without_processes(world):
    """No process can be started: the log says so, and the server starts when one can."""
    options = world.options
    failures = Failures("fork:EAGAIN:1", 1, options.preload, world.folder)
    failures.arm(1)

    def relent():
        eventually(lambda: failures.made() >= 3, "three starts fail")
        failures.arm(0)

    thread = threading.Thread(target=relent)
    thread.start()
    with Server(options.server, ["--processes", "2", "--root", str(world.root)], prepare=failures.prepare) as server:
        thread.join()
        said = len(re.findall(r"cannot start process 1: Resource temporarily unavailable", server.stderr()))
        require(said == failures.made(), f"{failures.made()} starts failed, the log says {said}")
    return f"starts after {failures.made()} failures"


def build(options, folder):
    """The shared object, where none is given."""
    if options.preload is None:
        options.preload = Path(folder) / "failing_calls.so"
        subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", options.preload,
                        Path(__file__).parent / "failing_calls.c"], check=True)


def read_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--preload", help="failing_calls.so; default: built from its source")
    parser.add_argument("--models", default=",".join(PRESETS))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--connections", type=int, default=60, help="for each model and seed")
    parser.add_argument("--rules", help="instead of those of this file: CALL:HOW:RATE,...")
    parser.add_argument("--only", choices=("load", "start"))
    parser.add_argument("--timeout-scale", type=float, default=1)
    return parser.parse_args()


def main():
    """Exit status."""
    options = read_options()
    harness.timeout_scale = options.timeout_scale
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="quartet-hostile-") as folder:
        build(options, folder)
        world = World(options, folder)
        runs = [(at_start, rule) for rule in AT_START if options.only != "load"]
        runs += [(without_timeouts,), (without_memory,), (without_processes,)] if options.only != "load" else []
        runs += [(under_load, model, seed) for seed in options.seeds.split(",")
                 for model in options.models.split(",") if options.only != "start"]
        for run, *args in runs:
            try:
                print(run.__name__, *args, "ok:", run(world, *args), flush=True)
                passed += 1
            except CaseFailed as failure:
                print(run.__name__, *args, "FAILED:", failure, flush=True)
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
