"""quartet-load: what it asks for, what it counts, and whether its times are right.

Its times are held against a server whose own log says when each request came and went (delay_server.c),
against arithmetic (a server that stands still), and against another generator's log (h2load). A machine that
is busy makes all of them longer and none of it wrong: what must hold is the order of events, and the sums.
"""

import collections
import contextlib
import csv
import hashlib
import json
import math
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from docroot import HELLO
from harness import PATIENCE_S, STDERR_BUGS, CaseFailed, Server, eventually, scaled, shown
from table import Table, require

table = Table("quartet_load", args=("own",))
case = table.case
# Those with a server that waits for as long as its arguments say: one at a time, for builds that are no sanitizer's.
times = Table("quartet_load_times", args=("own",))


def timed_case(name):
    """A case of that area."""
    return times.case(name, alone=True)


MS = 1_000_000
BUCKET = 1 / 1024  # the width of a bucket of the report's histograms, beside the values in it
def first_in_line():
    """Between fork and exec: whoever is measured, and measures, goes before everybody else."""
    with contextlib.suppress(OSError):  # not root: the machine has to be quiet by itself
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def beside(world, name):
    """Another program of the same build."""
    return os.path.join(os.path.dirname(world.program), name)


def load(world, *args, codes=(0, 3), timeout=PATIENCE_S, before=None):
    """Runs quartet-load to its end; (exit code, stdout and stderr)."""
    try:
        done = subprocess.run([beside(world, "quartet-load"), *args], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=scaled(timeout), check=False,
                              preexec_fn=before)
    except subprocess.TimeoutExpired:
        raise CaseFailed(f"{args} does not end") from None
    errors = done.stderr.decode(errors="replace")
    require(not any(word in errors for word in STDERR_BUGS), f"stderr: {errors[-800:]}")
    require(done.returncode in codes,
            f"exit code {done.returncode}, stderr {errors[-400:]!r}, stdout {shown(done.stdout)}")
    return done.returncode, done.stdout.decode() + errors


def load_json(world, *args, **options):
    """The same with --json -; (exit code, the object)."""
    code, out = load(world, "--json", "-", *args, **options)
    return code, json.loads(out)


def url_of(address, target="/hello.txt"):
    """As quartet-load wants it."""
    if isinstance(address, str):
        return f"unix:{address}:{target}"
    host, port = address[:2]
    return f"http://{host}:{port}{target}"


def error_counts(result):
    """The errors that came, by name."""
    return {name: error["count"] for name, error in result["errors"].items() if error["count"]}


def adds_up(result):
    """due = good + errors + dropped, but for connections not made."""
    requests, errors = result["requests"], error_counts(result)
    errors.pop("connect", None)
    require(requests["due"] == requests["good"] + sum(errors.values()) + requests["dropped"],
            f"{requests} and {errors} do not add up")


@contextlib.contextmanager
def logging_server(world, *args, listen=("127.0.0.1:0",)):
    """A quartet with an access log; gives the server and a function that stops it and returns the
    lines."""
    with tempfile.TemporaryDirectory(prefix="quartet-load-") as scratch:
        path = os.path.join(scratch, "access.log")
        server = Server(world.program, ["--root", str(world.root), "--access-log", path,
                                        "--synthetic", "on", *args], listen=listen)
        with server:
            def lines():
                server.signal(signal.SIGTERM)
                server.wait(10)
                with open(path, encoding="utf-8") as file:
                    return file.read().splitlines()
            yield server, lines


class DelayServer:
    """delay_server: gives its URL, then what it has logged."""

    def __init__(self, world, *delays):
        self.scratch = tempfile.TemporaryDirectory(prefix="quartet-delay-")
        self.log = os.path.join(self.scratch.name, "log")
        self.process = subprocess.Popen([beside(world, "tests/delay_server"), self.log, *delays],
                                        stdout=subprocess.PIPE, preexec_fn=first_in_line)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/"

    def __enter__(self):
        return self

    def requests(self):
        """Ends it; what it did, as (received, sent) by the client's port, in the order in which requests came."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(scaled(10))
        found = collections.defaultdict(list)
        with open(self.log, encoding="ascii") as file:
            for line in file:
                received, sent, port = map(int, line.split())
                found[port].append((received, sent))
        return found

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.scratch.cleanup()


class RawServer:
    """Accepts, reads one head, and does with the connection what a case says."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.serve = serve
        self.url = url_of(self.listener.getsockname())
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        """Until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while b"\r\n\r\n" not in data:
                    more = connection.recv(4096)
                    if not more:
                        break
                    data += more
                if data:
                    self.serve(connection)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def percentile(values, share):
    """The nearest rank."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def read_log(path):
    """--log as dictionaries of numbers."""
    with open(path, encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value if key == "outcome" else int(value) for key, value in row.items()}
            for row in rows]


# --- are the times right? ----------------------------------------------------------------------

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}


def figures_are_of(figures, values, what):
    """The figures of the report are those of these values, up to the width of its buckets."""
    require(figures["count"] == len(values) > 0, f"{what}: {figures['count']} of {len(values)}")
    require(abs(figures["mean"] - sum(values) / len(values)) < 1, f"{what}: mean {figures['mean']}")
    require(figures["max"] == max(values), f"{what}: max {figures['max']}, not {max(values)}")
    for name, share in PERCENTILES.items():
        true = percentile(values, share)
        require(true <= figures[name] <= true * (1 + BUCKET) + 1, f"{what}: {name} is {figures[name]}, not {true}")


def report_is_of_log(result, rows):
    """Each latency of the report is that of the log."""
    good = [row for row in rows if row["measured"] and row["outcome"] == "good"]
    for kind, since, until in (("from_due", "due_ns", "done_ns"), ("from_send", "sent_ns", "done_ns"),
                               ("first_byte", "sent_ns", "first_byte_ns"), ("send_lag", "due_ns", "sent_ns"),
                               ("own_lag", "due_ns", "released_ns")):
        figures_are_of(result["latency_ns"][kind], [row[until] - row[since] for row in good], kind)


def log_is_of_server(rows, served):
    """By the server's log each request was received after it was sent, and answered before that was noticed: the times
    of the generator contain those of the server. Both read one clock. How long each was held."""
    held = []
    for port, pairs in served.items():
        mine = sorted((row for row in rows if row["port"] == port), key=lambda row: row["position"])
        require(len(mine) == len(pairs), f"port {port}: {len(mine)} requests, {len(pairs)} came")
        for row, (received, sent) in zip(mine, pairs):
            require(row["due_ns"] <= row["released_ns"] <= row["sent_ns"] <= received, f"{row}, received {received}")
            require(received < sent <= row["first_byte_ns"] <= row["done_ns"], f"{row}, answered {sent}")
            require((row["status"], row["bytes"], row["outcome"]) == (200, 5, "good"), f"{row}")
            held.append(sent - received)
    require(len(held) == len(rows), f"{len(rows)} lines in the log, {len(held)} requests were answered")
    return held


@timed_case("percentiles are those of a server with programmed delays, whatever the number of threads")
def _(world):
    delays = {20_000: 800, 30_000: 150, 60_000: 45, 120_000: 5}
    for threads in "1", "3":
        with DelayServer(world, *(f"{us}:{share}" for us, share in delays.items())) as server, \
                tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "log")
            _, result = load_json(world, "--threads", threads, "-c", "64", "-d", "2s", "--warmup", "0s", "--rate",
                                  "1000", "--log", path, server.url, before=first_in_line)
            rows, served = read_log(path), server.requests()
        adds_up(result)
        held = log_is_of_server(rows, served)
        report_is_of_log(result, rows)
        require(len(held) > 1800 and len(result["generator"]["threads"]) == int(threads), f"{len(held)} requests")
        # Of each thousand so many were held for so long, and a request is not answered before.
        for us, share in delays.items():
            least = sum(count for delay, count in delays.items() if delay >= us) * (len(held) // 1000)
            for what, values in (("held", held), ("from send", [row["done_ns"] - row["sent_ns"] for row in rows])):
                long = sum(value >= us * 1000 for value in values)
                require(long >= least, f"{what} for {us} us or more: {long} of {len(held)}, {least} were meant to be")
        for name, share in PERCENTILES.items():
            true = percentile(held, share)
            require(result["latency_ns"]["from_send"][name] >= true, f"{name} is less than the server's {true}")


def is_stopped(pid):
    """Does no thread of it run any more?"""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


@timed_case("a server that stands still shows from the due time as arithmetic says")
def _(world):
    rate, seconds, stop_s, connections = 1000, 3, 0.3, 8
    with DelayServer(world, "1000:1000") as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "log")
        generator = subprocess.Popen(
            [beside(world, "quartet-load"), "-c", str(connections), "-d", f"{seconds}s", "--threads", "2",
             "--warmup", "500ms", "--rate", str(rate), "--arrivals", "constant", "--log", path,
             "--json", "-", server.url], stdout=subprocess.PIPE, preexec_fn=first_in_line)
        time.sleep(1.2)  # into the window; how far does not matter
        server.process.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(server.process.pid), "the server stands still")
        began = time.monotonic_ns()
        time.sleep(stop_s)
        ended = time.monotonic_ns()
        server.process.send_signal(signal.SIGCONT)
        result = json.loads(generator.communicate(timeout=scaled(PATIENCE_S))[0])
        rows = [row for row in read_log(path) if row["measured"]]
    adds_up(result)
    report_is_of_log(result, rows)
    require(result["requests"]["due"] == rate * seconds == len(rows), f"{result['requests']}")
    # Each request that became due while it stood still waited at least to its end, and each of them is there. An
    # answer may have been on its way when it stopped, for the first of them at most.
    caught = [row for row in rows if began < row["due_ns"] < ended]
    require(abs(len(caught) - rate * (ended - began) / 1e9) <= 1, f"{len(caught)} were caught")
    for row in caught:
        require(row["done_ns"] >= ended, f"{row} was answered by a server that stood still")
    # So the share of all that waited longer than w is at least (stop - w) * rate / all.
    least = ended - began - rate * seconds * 0.01 / rate * 1e9
    require(result["latency_ns"]["from_due"]["p99"] >= least, f"{result['latency_ns']['from_due']} for {least}")
    # From the moment of sending only those on their way were delayed: one for each connection.
    sent = sum(began < row["sent_ns"] < ended for row in rows)
    require(sent <= connections, f"{sent} requests were sent into the stop")


@timed_case("h2load's log of the same server has the same median")
def _(world):
    if shutil.which("h2load") is None:
        raise CaseFailed("h2load (nghttp2-client) is missing")
    with DelayServer(world, "50000:1000") as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "h2load.log")
        subprocess.run(["h2load", "--h1", "-n", "80", "-c", "4", f"--log-file={path}",
                        server.url], check=True, capture_output=True, timeout=scaled(PATIENCE_S),
                       preexec_fn=first_in_line)
        with open(path, encoding="ascii") as file:
            theirs = percentile([int(line.split()[2]) * 1000 for line in file], 0.5)
        _, result = load_json(world, "-c", "4", "-d", "1s", "--warmup", "0s", server.url,
                              before=first_in_line)
        held = percentile([sent - received for pairs in server.requests().values() for received, sent in pairs], 0.5)
    ours = result["latency_ns"]["from_send"]["p50"]
    # Not before the server had it, and in the same unit: at half of the delay there is no doubt of either.
    require(50 * MS <= ours < 1.5 * held and 50 * MS <= theirs < 1.5 * held, f"{ours} ns, {theirs} ns, held {held} ns")


@timed_case("the same seed gives the same due times")
def _(world):
    def gaps(seed):
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "log")
            load(world, "-c", "16", "-d", "200ms", "--warmup", "0s", "--rate", "1000", "--seed",
                 seed, "--log", path, server.url)
            due = sorted(row["due_ns"] for row in read_log(path))
        return [b - a for a, b in zip(due, due[1:])]
    with DelayServer(world, "100:1000") as server:
        first, again, other = gaps("7"), gaps("7"), gaps("8")
    # The beginning is rounded to nanoseconds: each gap may differ by one.
    require(len(first) == len(again) > 100
            and all(abs(a - b) <= 1 for a, b in zip(first, again)), "seed 7 is not repeatable")
    require(first[:50] != other[:50], "seeds 7 and 8 are the same")


# --- does it count right? ----------------------------------------------------------------------

def note_requests(seen):
    """serve() of a RawServer: notes (the client's port, the number on its connection), and answers each request."""
    def serve(connection):
        port, number, data = connection.getpeername()[1], 1, b""
        while True:
            seen.append((port, number))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            while b"\r\n\r\n" not in data:
                more = connection.recv(4096)
                if not more:
                    return
                data += more
            number, data = number + 1, data.partition(b"\r\n\r\n")[2]
    return serve


@case("the log names each request by its connection's port and its position there")
def _(world):
    seen = []
    with RawServer(note_requests(seen)) as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "log")
        load(world, "-c", "1", "-d", "200ms", "--warmup", "0s", "--rate", "200", "--requests-per-connection", "3",
             "--log", path, server.url)
        rows = read_log(path)
    require(len(rows) > 6 and sorted((row["port"], row["position"]) for row in rows) == sorted(seen),
            f"{len(rows)} lines, {len(seen)} requests came: {rows[:4]}, {seen[:4]}")
    for row in rows:
        require(row["due_ns"] <= row["released_ns"] <= row["sent_ns"], f"{row}")


@case("a request over a unix socket has no port in the log")
def _(world):
    with tempfile.TemporaryDirectory(prefix="ql-") as scratch:
        path, log = os.path.join(scratch, "s"), os.path.join(scratch, "log")
        with Server(world.program, ["--root", str(world.root)], listen=(f"unix:{path}",)):
            load(world, "-c", "2", "-d", "100ms", "--warmup", "0s", "--rate", "200", "--log", log, url_of(path))
        rows = read_log(log)
    require(rows and all(row["port"] == 0 for row in rows), f"{rows[:2]}")
    require(max(row["position"] for row in rows) > 1, f"{rows}")



@case("its counts are those of the access log")
def _(world):
    for loop in (("--rate", "800"), ()):
        with logging_server(world) as (server, lines):
            _, result = load_json(world, "-c", "8", "-d", "400ms", "--warmup", "200ms", *loop,
                                  url_of(server.address))
            logged = lines()
        adds_up(result)
        run = result["run"]
        require(run["sent"] == run["answered"] == len(logged) > 100 and run["bad"] == 0,
                f"{run}, {len(logged)} lines in the access log")
        require(run["statuses"] == {"200": len(logged)}, f"{run['statuses']}")
        require(error_counts(result) == {}, f"{result['errors']}")


@case("a closed loop says that it is one")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        _, out = load(world, "-c", "2", "-d", "100ms", "--warmup", "0s", url_of(server.address))
    require(out.startswith("closed loop:") and "from due" not in out, out)


@case("a closed loop thinks")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        _, result = load_json(world, "-c", "4", "-d", "500ms", "--warmup", "0s", "--think",
                              "50ms", url_of(server.address))
    adds_up(result)
    # Four users, each every 50 ms or later on average: 40 requests, give or take five times the root of it.
    require(4 <= result["run"]["sent"] <= 72, f"{result['run']['sent']} requests")


@case("users think for times of an exponential distribution, and begin one after the other")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "log")
        load(world, "-c", "200", "-d", "1s", "--warmup", "0s", "--think", "100ms", "--log", path,
             url_of(server.address))
        rows = sorted(read_log(path), key=lambda row: row["due_ns"])
    begun = rows[0]["due_ns"]
    # Each of 200 users is due within the first 100 ms with a chance of 1 - 1/e, and for the first time only then.
    early = sum(row["due_ns"] - begun < 20 * MS for row in rows)
    require(10 <= early <= 80, f"{early} of 200 asked within 20 ms")
    require(len(rows) > 200, f"{len(rows)} requests")


@case("requests for each connection, and pipelining")
def _(world):
    with logging_server(world) as (server, lines):
        _, result = load_json(world, "-c", "3", "-d", "300ms", "--warmup", "0s",
                              "--requests-per-connection", "5", "--pipeline", "4",
                              url_of(server.address))
        logged = lines()
    adds_up(result)
    run = result["run"]
    require(error_counts(result) == {} and run["answered"] == run["sent"] == len(logged) > 20,
            f"{run}, {result['errors']}, {len(logged)} lines")
    require(0 <= run["connections"] * 5 - run["sent"] <= 15, f"{run}")


def uses_of(world, server, *args):
    """How often each of 300 connections was used by some 1,200 requests."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "log")
        _, result = load_json(world, "-c", "300", "-d", "800ms", "--warmup", "0s", "--rate", "1500", *args,
                              "--log", path, url_of(server.address))
        rows = read_log(path)
    adds_up(result)
    require(error_counts(result) == {} and result["run"]["connections"] == 300, f"{result['errors']}, {result['run']}")
    uses = [0] * 300
    for row in rows:
        uses[row["connection"]] += 1
    return uses


@case("which connection takes the next request: each in its turn, the last one, any", late=0.1)
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        # The one that was free for longest is next, so none is used twice as often as another one.
        uses = uses_of(world, server, "--dispatch", "longest-free")
        require(max(uses) <= 2 * min(uses) + 2, f"used {min(uses)} to {max(uses)} times")
        # The one that was used last is next: others are used only while it is busy.
        last = uses_of(world, server, "--dispatch", "lifo", "--threads", "1")
        require(max(last) > 4 * sum(last) / 300, f"one of 300 was used {max(last)} of {sum(last)} times")
        # By chance each is used about 4 times, give or take the root of it; less than that where many are busy.
        for args in ((), ("--dispatch", "random")):
            chance = uses_of(world, server, *args)
            mean = sum(chance) / 300
            spread = sum((use - mean) ** 2 for use in chance) / 300
            require(0.2 * mean < spread < 2 * mean, f"mean {mean}, variance {spread}")


@case("a new connection for each request is made when the request is due, and latency includes that")
def _(world):
    accepted = collections.defaultdict(list)  # a port may come again

    def serve(connection):
        accepted[connection.getpeername()[1]].append(time.monotonic_ns())
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with RawServer(serve) as server, tempfile.TemporaryDirectory() as scratch:
        for loop in (("--rate", "100", "--arrivals", "constant"), ()):
            path = os.path.join(scratch, "log")
            accepted.clear()
            _, result = load_json(world, "-c", "4", "-d", "300ms", "--warmup", "0s", "--requests-per-connection", "1",
                                  *loop, "--log", path, server.url)
            rows = read_log(path)
            adds_up(result)
            require(error_counts(result) == {} and len(rows) == sum(map(len, accepted.values())) >= 20,
                    f"{len(rows)}, {len(accepted)} ports, {result['errors']}")
            require(result["run"]["connections"] == result["latency_ns"]["connect"]["count"] == len(rows),
                    f"{result['run']}, {result['latency_ns']['connect']}")
            for row in sorted(rows, key=lambda row: row["released_ns"], reverse=True):
                came = accepted[row["port"]].pop()
                require(row["position"] == 1 and row["due_ns"] <= row["released_ns"] < came, f"{row}, came {came}")
            # The time from due to sent contains what making it took.
            lag, connect = result["latency_ns"]["send_lag"]["mean"], result["latency_ns"]["connect"]["mean"]
            require(lag >= connect, f"send lag {lag} ns, connect {connect} ns")


@case("a new connection for each request: none that can be made is one line, some are errors of their requests")
def _(world):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = url_of(unused.getsockname())
    for args in (("--rate", "100"), ()):
        _, out = load(world, "-c", "3", "--threads", "2", "-d", "10s", "--requests-per-connection", "1", *args, url,
                      codes=(1,))
        require("quartet-load: cannot connect to" in out and "Connection refused" in out, out)
    answered = []

    def serve(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        answered.append(1)
        if len(answered) == 10:
            server.listener.close()

    with contextlib.suppress(OSError), RawServer(serve) as server:
        _, result = load_json(world, "-c", "2", "-d", "2s", "--warmup", "0s", "--requests-per-connection", "1",
                              "--rate", "100", "--timeout", "300ms", server.url)
    requests, errors = result["requests"], error_counts(result)
    require(requests["due"] == requests["good"] + sum(errors.values()) + requests["dropped"], f"{requests}, {errors}")
    require(errors.get("connect", 0) > 3 and requests["good"] <= 10, f"{requests}, {errors}")


@case("connections are added while requests find none free, up to a limit")
def _(world):
    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server:
        def grown(*args):
            _, result = load_json(world, "-c", "2", *args, "-d", "500ms", "--warmup", "0s", "--arrivals", "constant",
                                  "--rate", "200", url_of(server.address, "/synthetic/async?ms=100"))
            adds_up(result)
            require(error_counts(result) == {}, f"{result['errors']}")
            return result
        # 200 a second that take 100 ms each occupy 20 connections.
        small, limited, large = grown(), grown("--grow-to", "8"), grown("--grow-to", "300")
    require([run["run"]["connections"] for run in (small, limited)] == [2, 8], f"{small['run']}, {limited['run']}")
    require(20 <= large["run"]["connections"] < 300, f"{large['run']}")
    require(sum(thread["connections"] for thread in large["generator"]["threads"]) == large["run"]["connections"],
            f"{large['generator']}")
    require(small["requests"]["waited"] > large["requests"]["waited"], f"{small['requests']}, {large['requests']}")


@case("what waited for a connection is counted and noted")
def _(world):
    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server:
        _, result = load_json(world, "-c", "4", "--threads", "1", "-d", "400ms", "--warmup", "0s", "--arrivals",
                              "burst:8", "--rate", "100", url_of(server.address, "/synthetic/async?ms=5"))
    adds_up(result)
    # Of each eight that come at once four find a connection at the most.
    require(result["requests"]["waited"] >= result["requests"]["due"] / 2 - 8, f"{result['requests']}")
    # Where the rest was not even sent in time, that is the note.
    said = ("waited for a free connection", "saturated", "may be the limit itself")
    require(any(words in note for words in said for note in result["notes"]), f"{result['notes']}")


@case("bursts, ramps and steps of the rate, and a row for each part of the window")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "log")

        def run(*args):
            _, result = load_json(world, "-c", "16", "-d", "1s", "--warmup", "100ms", *args, "--log", path,
                                  url_of(server.address))
            adds_up(result)
            rows = [row for row in read_log(path) if row["measured"]]
            first = result["window"]["start_ns"]
            return result, sorted((row["due_ns"] - first) / 1e9 for row in rows)

        result, due = run("--rate", "100,400", "--arrivals", "constant", "--threads", "2")
        require((sum(at < 0.5 for at in due), len(due)) == (50, 250), f"{len(due)} were due")
        require([(round(row["asked"]), row["due"], row["latency_ns"]["count"]) for row in result["series"]]
                == [(100, 50, 50), (400, 200, 200)], f"{result['series']}")
        require(result["rate"]["asked"] == 250, f"{result['rate']}")
        result, due = run("--rate", "100:500", "--arrivals", "constant")
        # Until t there are 100 t + 200 t^2.
        require(abs(sum(at < 0.5 for at in due) - 100) <= 1 and len(due) == 300, f"{len(due)} were due")
        require(len(result["series"]) == 20 and sum(row["due"] for row in result["series"]) == 300
                and [round(row["asked"]) for row in result["series"]][::19] == [110, 490], f"{result['series']}")
        result, due = run("--rate", "400", "--arrivals", "burst:10", "--threads", "2")
        require(len(set(due)) <= len(due) / 8 and result["series"] == [], f"{len(set(due))} of {len(due)} times")
        _, out = load(world, "-c", "4", "-d", "600ms", "--warmup", "0s", "--rate", "100,200,300",
                      url_of(server.address))
        require("100, then 200, then 300 requests/s" in out, out)
        require(len(re.findall(r"^ +[\d.]+s +[\d.]+s +[123]00 +\d+ +\d+ ", out, re.M)) == 3, out)


@case("objectives that are met or missed")
def _(world):
    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server:
        words = "-c", "2", "-d", "200ms", "--warmup", "0s", url_of(server.address, "/synthetic/sleep?ms=20")
        code, result = load_json(world, *words, "--slo", "p50=1h", "--slo", "max=1h")
        require(code == (0 if result["valid"] else 3) and all(one["met"] for one in result["objectives"]),
                f"{code}, {result['objectives']}, {result['invalid']}")
        code, result = load_json(world, *words, "--slo", "p50=1h", "--slo", "p50=19ms")
        require(code == 3 and [one["met"] for one in result["objectives"]] == [True, False],
                f"{code}, {result['objectives']}")
        require(result["objectives"][1]["value_ns"] >= 20 * MS, f"{result['objectives']}")
        code, out = load(world, *words, "--slo", "p99.9=1ms")
        require(code == 3 and re.search(r"^objective +p99.9=1ms: .*MISSED$", out, re.M), f"{code}, {out}")


@case("each URL of a mix has a latency of its own")
def _(world):
    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server, \
            tempfile.TemporaryDirectory() as scratch:
        urls = url_of(server.address), url_of(server.address, "/synthetic/async?ms=30")
        path = os.path.join(scratch, "log")
        for loop, begin in ((("--rate", "200"), "due_ns"), ((), "sent_ns")):
            _, result = load_json(world, "-c", "64", "--threads", "2", "-d", "300ms", "--warmup", "0s", *loop,
                                  "--log", path, *urls)
            rows = [row for row in read_log(path) if row["measured"] and row["outcome"] == "good"]
            require(len(rows) == result["requests"]["good"], f"{len(rows)}, {result['requests']}")
            for number, url in enumerate(result["urls"]):
                figures_are_of(url["latency_ns"], [row["done_ns"] - row[begin] for row in rows if row["url"] == number],
                               f"url {number}")
            require(all(row["done_ns"] - row["sent_ns"] >= 30 * MS for row in rows if row["url"] == 1), "too early")
        _, out = load(world, "-c", "4", "-d", "200ms", "--warmup", "0s", *urls)
    require(re.search(r"^  url 0 .*\n  url 1 ", out, re.M), out)


@case("Little's law holds for what it measured, with several threads and in both loops")
def _(world):
    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server:
        url = url_of(server.address, "/synthetic/async?ms=10")
        for loop in (("--rate", "500"), (), ("--think", "5ms"), ("--pipeline", "4"),
                     ("--rate", "300", "--requests-per-connection", "1"), ("--rate", "600", "-c", "3")):
            _, result = load_json(world, "-c", "9", "--threads", "3", "-d", "400ms", "--warmup", "100ms", *loop, url)
            little = result["little"]
            require(little["judged"] and little["holds"], f"{loop}: {little}, {result['requests']}")
            require(little["under_way"] > 1, f"{loop}: {little}")


@case("a mix keeps to its weights, over a unix socket")
def _(world):
    with tempfile.TemporaryDirectory(prefix="ql-") as scratch:
        path = os.path.join(scratch, "s")
        log = os.path.join(scratch, "log")
        with logging_server(world, listen=(f"unix:{path}",)) as (_, lines):
            _, result = load_json(world, "-c", "4", "-d", "300ms", "--warmup", "0s", "--log", log,
                                  f"unix:{path}:/hello.txt", f"3,http://unix:{path}:/probe.txt")
            logged = lines()
        rows = read_log(log)
    require(error_counts(result) == {}, f"{result['errors']}")
    one, three = (sum(row["url"] == i for row in rows) for i in (0, 1))
    require(len(logged) == one + three, f"{len(logged)} in the access log")
    # Four standard deviations.
    require(abs(one - (one + three) / 4) <= 4 * math.sqrt((one + three) * 3 / 16) + 1,
            f"{one} to {three}")
    require([url["good"] for url in result["urls"]] == [one, three], f"{result['urls']}")
    require(result["urls"][0]["first_length"] == len(HELLO), f"{result['urls']}")


@case("methods, headers, bodies, and answers by their hash")
def _(world):
    body = "".join(chr(ord("a") + i % 26) for i in range(3000))
    right = hashlib.sha256(body.encode()).hexdigest()
    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server:
        short = ("-c", "2", "-d", "50ms", "--warmup", "0s")
        echo = url_of(server.address, "/synthetic/echo")
        code, result = load_json(world, *short, "--body", "@3000", "--expect", right, "--expect",
                                 "200", echo)
        require(error_counts(result) == {} and result["requests"]["good"] > 0,
                f"{code}, {result['errors']}")
        require(result["urls"][0]["first_length"] == 3000, f"{result['urls']}")
        code, result = load_json(world, *short, "--body", "@2999", "--expect", right, echo)
        require(code == 3 and set(error_counts(result)) == {"hash"}, f"{code}, {result['errors']}")
        _, result = load_json(world, *short, "-X", "HEAD", url_of(server.address))
        require(error_counts(result) == {} and result["urls"][0]["first_length"] == 0,
                f"{result['errors']}")
        _, result = load_json(world, *short, "-H", "If-None-Match: *", "--expect", "304",
                              url_of(server.address))
        require(error_counts(result) == {}, f"{result['errors']}")
        _, result = load_json(world, *short, url_of(server.address,
                              "/synthetic/stream?chunks=3&size=100&ms=0"))
        require(error_counts(result) == {} and result["urls"][0]["first_length"] == 300,
                f"{result['errors']}, {result['urls']}")


@case("a crowd beside the measured connections")
def _(world):
    def crowd(server, seconds):
        _, result = load_json(world, "-c", "2", "-d", f"{seconds}s", "--warmup", "0s", "--idle", "20",
                              "--slow-readers", "3", "--slow-senders", "2", "--slow-rate", "20K",
                              "--rate", "100",
                              url_of(server.address, "/synthetic/bytes?n=50000"))
        return result, *(result["crowd"][kind] for kind in ("idle", "slow_readers", "slow_senders"))

    with Server(world.program, ["--root", str(world.root), "--synthetic", "on"]) as server:
        for seconds in (1, 5, 25):  # on a slow machine the run may end before a slow sender has its answer
            result, idle, readers, senders = crowd(server, seconds)
            if senders["answers"] > 0:
                break
    require(error_counts(result) == {}, f"{result['errors']}")
    # Each asks once. On a slow machine the run may end before all have their answer.
    require((idle["open"], idle["ended"]) == (20, 0) and 0 < idle["answers"] <= 20, f"{idle}")
    require(readers["open"] == 3 and 0 < readers["bytes_received"] <= 3 * 20480 * (seconds + 0.5)
            and (readers["answers"] == 0 or seconds > 1), f"{readers}")  # an answer takes 2.4 s
    require(senders["open"] == 2 and senders["answers"] > 0, f"{senders}")
    require(result["run"]["connections"] == 2, f"{result['run']}")


@case("results as HdrHistogram log and as text")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server, \
            tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "hdr")
        _, out = load(world, "-c", "2", "-d", "1100ms", "--warmup", "0s", "--rate", "200",
                      "--hdr", path, "--json", os.path.join(scratch, "json"),
                      url_of(server.address))
        with open(path, encoding="ascii") as file:
            hlog = file.read().splitlines()
        with open(os.path.join(scratch, "json"), encoding="utf-8") as file:
            result = json.load(file)
    require(hlog[0].startswith("#[Histogram log"), hlog[0])
    intervals = [line for line in hlog if re.match(r"\d", line)]
    require(len(intervals) == 2 and intervals[0].startswith("0.000,"), f"{intervals}")
    for word in ("open loop: 200 requests/s, Poisson", "from due", "from send", "send lag",
                 "p99.99", "errors       none"):
        require(word in out, f"{word!r} is not in {out}")
    require(result["loop"] == "open" and result["rate"]["asked"] == 200, "JSON")


JAR = "/usr/share/java/hdrhistogram.jar"  # Debian's libhdrhistogram-java
READER = os.path.join(os.path.dirname(__file__), "..", "tools", "ReadHlog.java")


@case("HdrHistogram's own reader finds the percentiles of the report")
def _(world):
    if not os.path.exists(JAR):
        return  # the tests of quartet-trace say that it is missing
    with Server(world.program, ["--root", str(world.root)]) as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "hdr")
        _, result = load_json(world, "-c", "4", "-d", "1200ms", "--warmup", "0s", "--rate", "1000", "--hdr", path,
                              url_of(server.address))
        done = subprocess.run(["java", "-cp", JAR, READER, path], capture_output=True, text=True, timeout=scaled(PATIENCE_S),
                              check=False)
    require(done.returncode == 0, done.stderr)
    count, *values = (float(word) for word in done.stdout.split()[5:])
    due = result["latency_ns"]["from_due"]
    ours = [due[key] for key in ("p50", "p90", "p99", "p999", "max")]
    require(count == due["count"], f"{done.stdout}, {due['count']}")
    # A log holds the maximum as its bucket only.
    for mine, theirs in zip(ours, values):
        require(mine == theirs or (mine == due["max"] and mine <= theirs <= mine * (1 + BUCKET)), f"{ours}, {values}")


# --- what goes wrong ---------------------------------------------------------------------------

def reset(connection):
    """Closes with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answer_with(data):
    """Sends this and closes."""
    return lambda connection: connection.sendall(data)


def goes_wrong(name, kind, serve, words):
    """A case: a server of which each request ends with this error and no other. Only a case of timeouts has a short
    one: elsewhere the server may wait for a CPU for as long."""
    def run(world):
        with RawServer(serve) as server:
            timeout = "150ms" if kind == "timeout" else "60s"
            args = ("-c", "1", "-d", "100ms", "--warmup", "0s", "--timeout", timeout, server.url)
            code, result = load_json(world, *args)
            adds_up(result)
            require(code == 3 and not result["valid"] and set(error_counts(result)) == {kind},
                    f"{code}, {result['invalid']}, {result['errors']}")
            require(words in result["errors"][kind]["first"], f"{result['errors'][kind]}")
            code, out = load(world, *args)
            require(f"  {kind} " in out and "INVALID: no good answer" in out, out)
    table.case(name)(run)


goes_wrong("a reset", "reset", reset, "Connection reset")
goes_wrong("an end without an answer", "closed", lambda connection: None, "before the first byte")
goes_wrong("no answer", "timeout", lambda connection: time.sleep(0.3), "no answer in time")
goes_wrong("another status", "status",
           answer_with(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
           "503 for http://")
goes_wrong("a cut body", "length",
           answer_with(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
           "ended after 5 of 10 bytes")
goes_wrong("a cut chunk", "length",
           answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), "end")
goes_wrong("a cut head", "closed", answer_with(b"HTTP/1.1 200 OK\r\nConte"), "end")
goes_wrong("no HTTP", "malformed", answer_with(b"SSH-2.0-OpenSSH_9.2\r\n"), "")


@case("a server that closes each connection at once")
def _(world):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def close_all():
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()
        threading.Thread(target=close_all, daemon=True).start()
        code, result = load_json(world, "-c", "200", "-d", "100ms", "--warmup", "0s", "--rate",
                                 "500", "--timeout", "300ms", url_of(listener.getsockname()))
        listener.shutdown(socket.SHUT_RDWR)
    adds_up(result)
    require(code == 3 and result["requests"]["good"] == 0, f"{code}, {result['requests']}")
    require(result["run"]["connections"] >= 200, f"{result['run']}")


def two_answers(world, server):
    """The result of a run of 100 ms with at least two answers, which a busy machine may grant only later."""
    def run():
        _, found = load_json(world, "-c", "1", "-d", "100ms", "--warmup", "0s", server.url)
        return found if found["requests"]["good"] > 1 else None
    return eventually(run, "two answers come within one run")


@case("a body that ends with the connection is good")
def _(world):
    with RawServer(answer_with(b"HTTP/1.1 200 OK\r\n\r\nhello")) as server:
        result = two_answers(world, server)
    adds_up(result)
    require(error_counts(result) == {}, f"{result['errors']}")
    require(result["urls"][0]["first_length"] == 5, f"{result['urls']}")


@case("answers of different lengths are noted")
def _(world):
    lengths = iter(range(1, 1 << 20))

    def serve(connection):
        body = b"x" * next(lengths)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                           % len(body) + body)
    with RawServer(serve) as server:
        result = two_answers(world, server)
    require(error_counts(result) == {}, f"{result['errors']}")
    require(any("not as long as its first, of" in note for note in result["notes"]),
            f"{result['notes']}")


@case("no connection is one line and exit 1")
def _(world):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = url_of(unused.getsockname())
    for many in ("1", "300"):
        code, out = load(world, "-c", many, "-d", "1s", url, codes=(1,))
        require("quartet-load: cannot connect to" in out and "Connection refused" in out, out)


@case("a latency that nothing was measured of is none, not 0")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        code, out = load(world, "-c", "2", "-d", "100ms", "--warmup", "0s",
                         url_of(server.address, "/nowhere"), codes=(3,))
        words = [line.split() for line in out.splitlines()]
        require(["from", "send", "none"] in words and "no good answer" in out, f"{code}: {out}")


@case("an impossible rate is INVALID and exits 3")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        code, result = load_json(world, "-c", "8", "-d", "300ms", "--warmup", "0s", "--rate", "5000000",
                                 "--arrivals", "constant", "--timeout", "300ms", url_of(server.address))
    adds_up(result)
    require(code == 3 and not result["valid"] and result["invalid"], f"{code}: {result['invalid']}")
    # What the generator did not come to before the end was due all the same.
    require(result["requests"]["due"] == 1_500_000, f"{result['requests']}")


# --- several threads ---------------------------------------------------------------------------

@case("threads share out connections and requests, and their results are one")
def _(world):
    for loop in (("--rate", "900"), ()):
        with logging_server(world) as (server, lines), tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "log")
            _, result = load_json(world, "--threads", "3", "-c", "8", "-d", "2s", "--warmup", "100ms", *loop,
                                  "--log", path, url_of(server.address), f"3,{url_of(server.address, '/probe.txt')}")
            logged = lines()
            rows = read_log(path)
        adds_up(result)
        run, threads = result["run"], result["generator"]["threads"]
        require(error_counts(result) == {} and run["connections"] == 8, f"{run}, {result['errors']}")
        require(run["sent"] == run["answered"] == len(logged) == len(rows) > 20, f"{run}, {len(logged)}, {len(rows)}")
        require([thread["connections"] for thread in threads] == [3, 3, 2], f"{threads}")
        require(all(thread["good"] > 0 for thread in threads), f"{threads}")
        for key in ("due", "good"):
            require(sum(thread[key] for thread in threads) == result["requests"][key], f"{key}: {threads}")
        require({row["connection"] for row in rows} == set(range(8)), "a connection was not used")
        require(sum(url["good"] for url in result["urls"]) == run["sent"], f"{result['urls']}")
        measured = [row["done_ns"] - row["due_ns"] for row in rows if row["measured"]]
        require(abs(sum(measured) / len(measured) - result["latency_ns"]["from_due"]["mean"]) < 1, "another mean")
        require(max(measured) == result["latency_ns"]["from_due"]["max"], "another maximum")


@case("there are never more threads than connections, and by default one for each CPU that may be used")
def _(world):
    def on_one_cpu():
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    with Server(world.program, ["--root", str(world.root)]) as server:
        short = "-d", "50ms", "--warmup", "0s", url_of(server.address)
        for args, options, wanted in ((("--threads", "9", "-c", "2"), {}, 2), (("-c", "8"), {"before": on_one_cpu}, 1),
                                      (("-c", "8"), {}, min(8, len(os.sched_getaffinity(0))))):
            _, result = load_json(world, *args, *short, **options)
            require(len(result["generator"]["threads"]) == wanted, f"{args}: {result['generator']}")


def affinities(pid):
    """The CPUs of each of its threads that drive load, by number."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
            name = file.read().strip()
            if name.startswith("load/"):
                found[int(name[5:])] = os.sched_getaffinity(int(thread))
    return found


@case("each of several threads stays on a CPU, one that is alone goes where it is put")
def _(world):
    cpus = sorted(os.sched_getaffinity(0))
    with Server(world.program, ["--root", str(world.root)]) as server:
        for count in (1, len(cpus) + 1):
            words = "--threads", str(count), "-c", "8", "-d", "1h", "--warmup", "0s", "--rate", "100"
            wanted = {i: {cpus[i % len(cpus)]} if count > 1 else set(cpus) for i in range(count)}
            with subprocess.Popen([beside(world, "quartet-load"), *words, url_of(server.address)],
                                  stdout=subprocess.DEVNULL) as generator:
                try:
                    eventually(lambda want=wanted, pid=generator.pid: affinities(pid) == want, f"{wanted}")
                finally:
                    generator.send_signal(signal.SIGINT)
                    generator.wait(scaled(5))


@case("constant arrivals of several threads are evenly spaced, and a seed gives the same arrivals again")
def _(world):
    def due_times(server, *args):
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "log")
            load(world, "--threads", "3", "-c", "6", "-d", "200ms", "--warmup", "0s", "--rate", "1000", *args,
                 "--log", path, url_of(server.address))
            due = sorted(row["due_ns"] for row in read_log(path))
        return [time_ns - due[0] for time_ns in due]
    with Server(world.program, ["--root", str(world.root)]) as server:
        require(due_times(server, "--arrivals", "constant") == [i * MS for i in range(200)], "constant arrivals")
        one, again, other = (due_times(server, "--seed", seed) for seed in "778")
        # The beginning is rounded to nanoseconds.
        require(len(one) == len(again) and all(abs(a - b) <= 1 for a, b in zip(one, again)), "seed 7 is not repeatable")
        require(one[:50] != other[:50], "seeds 7 and 8 are the same")


@case("Ctrl-C ends all threads, before the load and under it")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server, socket.create_server(("127.0.0.1", 0)) as deaf:
        for url, pause in ((url_of(server.address), 0.5), (url_of(deaf.getsockname()), 0.3)):
            words = "--threads", "3", "-c", "300", "-d", "1h", "--rate", "500", "--warmup", "0s", url
            with subprocess.Popen([beside(world, "quartet-load"), *words], stdout=subprocess.PIPE) as generator:
                time.sleep(pause)  # a part of the hour
                generator.send_signal(signal.SIGINT)
                out, _ = generator.communicate(timeout=scaled(PATIENCE_S))
                require(generator.returncode in (0, 1, 3), f"{generator.returncode}")
                require(b"thread 2" in out or generator.returncode == 1, out.decode())


@case("a log that cannot be written is one line and exit 1")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        _, out = load(world, "--threads", "2", "-c", "2", "-d", "100ms", "--warmup", "0s", "--log", "/dev/full",
                      url_of(server.address), codes=(1,))
    require("--log: /dev/full cannot be written: No space left" in out, out)


@case("each request is released at a time of its own, not at that of the answer before it")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server, tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "log")
        load(world, "-c", "8", "-d", "300ms", "--warmup", "0s", "--rate", "20000", "--log", path,
             url_of(server.address))
        rows = read_log(path)
    same = {row["released_ns"] for row in rows} & {row["done_ns"] for row in rows}
    require(len(rows) > 1000 and len(same) <= len(rows) // 1000, f"{len(same)} of {len(rows)} have an answer's time")


@case("what --spin burns in vain is not its work, and the time in which it had no CPU is not idle")
def _(world):
    cpu = min(os.sched_getaffinity(0))

    def on_one_cpu():
        os.sched_setaffinity(0, {cpu})

    with Server(world.program, ["--root", str(world.root)]) as server, \
            subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=on_one_cpu) as rival:
        try:
            _, result = load_json(world, "-c", "8", "-d", "1s", "--warmup", "0s", "--rate", "2000", "--spin",
                                  url_of(server.address), before=on_one_cpu)
        finally:
            rival.kill()
    # To send and to receive takes a microsecond at the very least.
    least = result["run"]["sent"] * 1e-6
    share, burnt = result["generator"]["cpu_share"], result["generator"]["cpu_ns"] / 1e9
    require(least < share < burnt, f"{share} of a CPU for {result['run']['sent']} requests, {burnt} with the spinning")


@case("how the kernel schedules it is in its report")
def _(world):
    def ordinary():
        os.sched_setscheduler(0, os.SCHED_BATCH | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        os.nice(3)

    with Server(world.program, ["--root", str(world.root)]) as server:
        words = "--rate", "100", "-d", "100ms", "--warmup", "0s", url_of(server.address)
        _, usual = load_json(world, *words)
        _, changed = load_json(world, *words, before=ordinary)
        _, first = load_json(world, *words, before=first_in_line)
    before, after = usual["generator"], changed["generator"]
    require(before["policy"] == "other" and after["policy"] == "batch", f"{before}, {after}")
    require(after["nice"] == min(19, before["nice"] + 3), f"{before}, {after}")
    require(not any("precedence" in note for note in changed["notes"]), f"{changed['notes']}")
    if first["generator"]["policy"] == "fifo":  # not root: it stays as it was
        require(any("real-time precedence" in note for note in first["notes"]), f"{first['notes']}")


@timed_case("a server that cannot keep up is saturated, its latency grows")
def _(world):
    with DelayServer(world, "10000:1000") as server:
        # One connection, 10 ms an answer: at most 100 a second of the 200 that are due.
        _, result = load_json(world, "-c", "1", "-d", "1s", "--warmup", "0s", "--rate", "200",
                              "--arrivals", "constant", server.url)
    adds_up(result)
    require(any("saturated" in note for note in result["notes"]), f"{result['notes']}")
    require(result["requests"]["dropped"] == 0, f"{result['requests']}")
    # The last one due after 1 s is answered after 200 * 10 ms: it waited for half of that.
    latest = result["latency_ns"]["from_due"]["max"]
    require(latest >= 0.95e9, f"the last one waited for {latest} ns")


@case("what waits for too long is dropped, and the run INVALID")
def _(world):
    with RawServer(lambda connection: time.sleep(0.3)) as server:
        code, result = load_json(world, "-c", "1", "-d", "100ms", "--warmup", "0s", "--rate",
                                 "100", "--timeout", "100ms", server.url)
    adds_up(result)
    require(code == 3 and result["requests"]["dropped"] > 0, f"{code}, {result['requests']}")
    require(any("never sent" in reason for reason in result["invalid"]), f"{result['invalid']}")


@case("Ctrl-C prints what there is")
def _(world):
    with logging_server(world) as (server, _), tempfile.TemporaryFile() as out:
        generator = subprocess.Popen([beside(world, "quartet-load"), "-c", "2", "-d", "1h",
                                      "--warmup", "0s", "--rate", "500", url_of(server.address)],
                                     stdout=out, stderr=subprocess.STDOUT)
        try:
            time.sleep(0.5)  # a part of the hour
            generator.send_signal(signal.SIGINT)
            code = generator.wait(scaled(5))
        finally:
            generator.kill()
            generator.wait()
        out.seek(0)
        text = out.read().decode()
    require(code in (0, 3) and "interrupted after" in text and "from due" in text,
            f"{code}: {text}")


def refused(name, args, *words):
    """A case: exit 2 and one line that has these words."""
    def run(world):
        _, out = load(world, *args, codes=(2,))
        require(out.startswith("quartet-load: ") and out.count("\n") == 1, out)
        for word in words:
            require(word in out, f"{word!r} is not in {out!r}")
    table.case(f"refused: {name}")(run)


URL = "http://127.0.0.1:1/"
refused("no URL", ("-c", "1"), "a URL is missing")
refused("a URL of another scheme", ("https://127.0.0.1/",), "--url: 'https://127.0.0.1/'")
refused("two servers", (URL, "http://127.0.0.1:2/"), "--url: 'http://127.0.0.1:2/'", "one server")
refused("no connections", ("-c", "0", URL), "--connections: '0'", "1 to 100000")
refused("a rate that is none", ("--rate", "fast", URL), "--rate: 'fast'", "a number")
refused("a time without unit", ("-d", "10", URL), "--duration: '10'", "a time such as")
refused("a header that is none", ("-H", "X", URL), "--header: 'X'", "Name: value")
refused("a length of one's own", ("-H", "Content-Length: 3", URL), "--header:", "--body")
refused("a method that is none", ("-X", "GE T", URL), "--method: 'GE T'")
refused("an unknown status", ("--expect", "99", URL), "--expect: '99'", "SHA-256")
refused("a body that is not there", ("--body", "/nonexistent", URL), "--body: '/nonexistent'")
refused("arrivals without a rate", ("--arrivals", "constant", URL), "--arrivals", "--rate")
refused("choosing connections where users keep theirs", ("--dispatch", "lifo", URL), "--dispatch", "open loop", "--think")
refused("thinking with a rate", ("--think", "1s", "--rate", "1", URL), "--think", "--rate")
refused("no threads", ("--threads", "0", URL), "--threads: '0'", "1 to 256")
refused("spinning without enough CPUs", ("--spin", "--threads", "250", "-c", "250", URL), "--spin", "CPU for each")
refused("spinning and not spinning", ("--spin", "--no-spin", URL), "--spin", "--no-spin")
refused("a ramp of three", ("--rate", "1:2:3", URL), "--rate: '1:2:3'", "FROM:TO")
refused("arrivals of no kind", ("--rate", "1", "--arrivals", "burst:0", URL), "--arrivals: 'burst:0'", "burst:K")
refused("growing in a closed loop", ("--grow-to", "100", URL), "--grow-to", "--rate")
refused("growing to less", ("--grow-to", "10", "--rate", "1", URL), "--grow-to", "--connections")
refused("an objective that is none", ("--slo", "99=5ms", URL), "--slo: '99=5ms'", "p99=5ms")
refused("a limit of no time", ("--slo", "max=0s", URL), "--slo: 'max=0s'", "above 0")
refused("two URLs in one word", (f"{URL},{URL}",), "--url:", "several arguments")
refused("an unknown option", ("--rat", "1", URL), "--rat", "did you mean --rate")


@case("--help names every option and says what it is for")
def _(world):
    _, out = load(world, "--help", codes=(0,))
    for flag in ("-c, --connections N", "--rate R", "--arrivals", "--slow-readers", "--expect",
                 "--hdr", "--log", "Exit status"):
        require(flag in out, f"{flag!r} is not in --help")
    _, out = load(world, "--version", codes=(0,))
    require(re.match(r"quartet-load \d+\.\d+\.\d+ \(libuv [\d.]+, http-parser [\d.]+\)\n$", out), out)


@case("the progress line is for terminals only")
def _(world):
    with Server(world.program, ["--root", str(world.root)]) as server:
        main, side = os.openpty()
        generator = subprocess.Popen([beside(world, "quartet-load"), "-c", "1", "-d", "1200ms",
                                      "--warmup", "0s", "--rate", "100", url_of(server.address)],
                                     stdout=subprocess.DEVNULL, stderr=side)
        os.close(side)
        shown_line = b""

        def more():
            nonlocal shown_line
            with contextlib.suppress(OSError):  # EIO: the other end is closed
                shown_line += os.read(main, 4096)
            return b"\x1b[K" in shown_line
        eventually(more, "a progress line comes")
        generator.wait(scaled(10))
        os.close(main)
    require(re.search(rb"1s of 1200ms: \d+/s, p50 .*, errors 0", shown_line), f"{shown_line!r}")
