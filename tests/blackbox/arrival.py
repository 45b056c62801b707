"""When requests arrived: the wait in the socket, as the trace has it, against the clients' own times.

Clients, server and kernel are on one machine, and time.monotonic_ns() is the server's clock. So a request cannot
arrive before it was sent, nor be answered before it arrived, however busy the machine is. A request is found in the
trace by its connection's port and its position there.
"""

import csv
import os
import subprocess
import tempfile
import threading
import time

from harness import PATIENCE_S, Client, Server, eventually, scaled
from load import check_trace
from servers import hello, start
from status import status_of
from table import Table, get, require

table = Table("arrival", args=("own",))
case = table.case

HELLO = get("/hello.txt")
SLEEP = get("/synthetic/sleep?ms=2")
# The error of turning the kernel's clock into ours, many times over.
SLACK_NS = 100_000
CLIENTS = 16


def rows_of(world, path):
    """{(port, position): row} of a trace: its times as numbers, and the threads that read and processed it."""
    program = os.path.join(os.path.dirname(world.program), "quartet-trace")
    done = subprocess.run([program, "--csv", path], capture_output=True, check=True, timeout=scaled(PATIENCE_S))
    rows = {}
    for row in csv.DictReader(done.stdout.decode().splitlines()):
        times = {name: int(row[name]) for name in ("socket.wait", "total", "sojourn", "first_byte_ns", "read")}
        threads = {name: row[name] for name in ("thread_read", "thread_process")}
        rows[int(row["client_port"]), int(row["position"])] = times | threads
    return rows


def await_stamps(server):
    """The kernel begins to stamp soon after a socket has asked for it, not at once. How many requests that took,
    and a connection that has had one answer."""
    sent = 0

    def is_stamped():
        nonlocal sent
        with server.client() as client:
            hello(server, client)
            sent += 1
            return status_of(client)["report"]["intervals_ns"]["socket.wait"]["count"] > 0

    eventually(is_stamped, "the kernel stamps what is received")
    return sent


class Asker:
    """A connection that notes when each of its requests was sent, and when it was answered."""

    def __init__(self, server):
        self.client = server.client()
        self.port = self.client.sock.getsockname()[1]
        self.times = []  # of each request: [before it was sent, after that, answered]

    def send(self, data, count=1):
        """`data` ends so many requests."""
        before = time.monotonic_ns()
        self.client.send(data)
        self.times += [[before, time.monotonic_ns()] for _ in range(count)]

    def answers(self, count=1):
        """The next ones."""
        for times in self.times[len(self.times) - count:]:
            require(self.client.read_response().status == 200, "status")
            times.append(time.monotonic_ns())

    def rows(self, rows):
        """[(times, row)] of its requests, in order."""
        return [(times, rows[self.port, nth + 1]) for nth, times in enumerate(self.times)]


def check_row(times, row):
    """What must be true of each request. Its arrival, where it is known."""
    require(row["socket.wait"] >= 0 or row["sojourn"] == -1, f"{row}: half an arrival")
    if row["socket.wait"] < 0:
        return None
    require(row["socket.wait"] + row["total"] == row["sojourn"], f"{row}: they do not add up")
    arrived = row["first_byte_ns"] - row["socket.wait"]
    require(arrived >= times[0] - SLACK_NS, f"{row}: arrived {times[0] - arrived} ns before it was sent")
    # Its last stamp may come after the client has the answer: the server can lose its CPU in between.
    require(row["first_byte_ns"] <= times[-1] + SLACK_NS, f"{row}: read after it was answered, {times[-1]}")
    return arrived


def begun(client):
    """How many requests of other connections have begun."""
    return status_of(client)["report"]["flow"]["begun"]


def ask_in_pieces(server, asker):
    """A request whose second piece is sent when the first one has been read."""
    with server.client() as watcher:
        before = begun(watcher)
        sent = time.monotonic_ns()
        asker.client.send(HELLO[:9])
        eventually(lambda: begun(watcher) > before, "the first piece is read")
        piece_read = time.monotonic_ns()
        asker.client.send(HELLO[9:])
        asker.times.append([sent, piece_read])
        asker.answers()


@case("each request arrived after it was sent and before it was read, and socket.wait + total = sojourn")
def arrivals(world):
    """One after the other, behind each other in one packet, and in pieces."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, "--trace", path) as server:
            sent = await_stamps(server)
            asker = Asker(server)
            for _ in range(5):
                asker.send(HELLO)
                asker.answers()
            asker.send(3 * HELLO, 3)
            asker.answers(3)
            ask_in_pieces(server, asker)
            with server.client() as watcher:
                unknown = status_of(watcher)["report"]["counters"]["ARRIVAL_UNKNOWN"]
            asker.client.close()
        check_trace(world, path, sent + len(asker.times))
        rows = asker.rows(rows_of(world, path))
        found = [check_row(*row) for row in rows]
        require(sum(arrived is None for arrived in found) <= unknown, f"{unknown} are unknown, of {found}")
        pipelined = found[5:8]
        require(len(set(pipelined)) == 1, f"one packet, and they arrived at {pipelined}")
        require(rows[5][1]["first_byte_ns"] == rows[7][1]["first_byte_ns"], "one read, and several first bytes")
        times, _ = rows[8]
        require(found[8] is None or found[8] <= times[1] + SLACK_NS, "its arrival is that of the second piece")


def round_of_sleeps(server, askers):
    """Each sends a request; then each waits for its answer."""
    for asker in askers:
        asker.send(SLEEP)
    threads = [threading.Thread(target=asker.answers) for asker in askers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    require(all(len(asker.times[-1]) == 3 for asker in askers), "an answer is missing")
    require(server.alive(), "the server is gone")


def waits_of(world, *args, rounds=6):
    """[(by the trace, by the client)] of the known waits of requests to a handler that sleeps, before they are
    read. The client's ends with the server's read, too, and begins when the request had been sent."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with Server(world.program, ["--root", str(world.root), "--synthetic", "on", "--trace", path, *args]) as server:
            await_stamps(server)
            askers = [Asker(server) for _ in range(CLIENTS)]
            for _ in range(rounds):
                round_of_sleeps(server, askers)
            for asker in askers:
                asker.client.close()
        rows = rows_of(world, path)
        waits = []
        for asker in askers:
            for times, row in asker.rows(rows):
                if check_row(times, row) is not None:
                    waits.append((row["socket.wait"], max(0, row["first_byte_ns"] - times[1])))
        require(len(waits) > CLIENTS * rounds / 2, f"only {len(waits)} have a known arrival")
        return waits


@case("requests that wait for their only thread wait in their sockets")
def queue_of_a_loop(world):
    """The thread sleeps for 2 ms in each: the last of 16 waits for 30 ms, and nothing but the socket holds it."""
    waits = waits_of(world, "--wiring", "LRPW*1")
    ours, theirs = (sum(column) / len(waits) for column in zip(*waits))
    require(ours >= theirs / 2, f"they waited for {theirs / 1e6:.1f} ms, of which {ours / 1e6:.1f} in the socket")
    longest = max(wait for wait, _ in waits)
    require(longest >= 2_000_000, f"the longest wait behind others is {longest} ns")


@case("requests of every model are read after they arrived, however long its handlers sleep")
def queue_of_a_model(world):
    """check_row holds for each."""
    require(waits_of(world, *world.base_args, rounds=2), "no request")


def all_unknown(world, *args, **options):
    """Some requests of a server of which no arrival is to be known; their rows."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, "--trace", path, *args, **options) as server:
            with server.client() as client:
                for _ in range(3):
                    hello(server, client)
                report = status_of(client)["report"]
            require(report["counters"]["ARRIVAL_UNKNOWN"] == 0, "what is not measured is counted as unknown")
            for name in ("socket.wait", "sojourn"):
                require(report["intervals_ns"][name]["count"] == 0, f"{name} is measured")
        check_trace(world, path, 3)
        rows = rows_of(world, path)
        require(all(row["socket.wait"] == row["sojourn"] == -1 for row in rows.values()), f"{rows}")
        return rows


@case("--socket-times off: no arrival is known")
def switched_off(world):
    """All else is measured."""
    rows = all_unknown(world, "--socket-times", "off")
    require(len(rows) == 3 and all(row["total"] > 0 for row in rows.values()), f"{rows}")


@case("a unix socket has no arrivals and no port")
def unix_socket(world):
    """Linux stamps what comes over TCP only."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        rows = all_unknown(world, listen=(f"unix:{folder}/s",))
        require(set(rows) == {(0, 1), (0, 2), (0, 3)}, f"{rows}")


@case("without a trace the arrivals of some requests are known, by chance")
def sampled(world):
    """One in eight; --socket-times on asks for all."""
    for flags, least, most in (((), 1, 150), (("--socket-times", "on"), 190, 200)):
        with start(world, *flags) as server, server.client() as client:
            await_stamps(server)
            before = status_of(client)["report"]["intervals_ns"]["socket.wait"]["count"]
            for _ in range(200):
                hello(server, client)
            known = status_of(client)["report"]["intervals_ns"]["socket.wait"]["count"] - before
            require(least <= known <= most, f"{flags}: {known} of 200 are known")


@case("--trace-level off takes no arrivals")
def without_stamps(world):
    """Nor does it fail to serve."""
    with start(world, "--trace-level", "off") as server, server.client() as client:
        hello(server, client)
        require(status_of(client)["report"]["counters"]["ARRIVAL_UNKNOWN"] == 0, "counted")
