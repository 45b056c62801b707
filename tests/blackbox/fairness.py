"""Clients that share one poll loop with clients that keep it busy: all of them make progress.

The cases start wirings in which one thread runs the handlers and polls the sockets.
"""

import os
import tempfile
import threading
import time

from arrival import HELLO, Asker, rows_of
from in_time import Stopped, counter
from lateness import Stopwatch
from servers import hello, start
from table import Table, get, require

table = Table("fairness", args=("own",))
case = table.case

# One loop that may run handlers itself, and threads enough beside it for all that it hands on. How many runs of a
# handler that blocks it takes to find out: `adaptive` may have handed on the first as well.
LOOP_WITH_POOL = ((("--model", "offload", "--readers", "1", "--processors", "16"), (1,)),
                  (("--model", "adaptive", "--processors", "16"), (0, 1)))

ONE_LOOP = ("LRPW*1", "L | RPW*1", "L | R | PW*1", "LR | PW*1")


class Reader(threading.Thread):
    """Reads one chunked answer to its end, as fast as it comes."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client

    def run(self):
        client = self.client
        while not client.eof and not client.buffer.endswith(b"\r\n0\r\n\r\n"):
            del client.buffer[:-16]
            client.fill()


@case("small requests are answered while a long answer without pauses is made", True)
def beside_a_stream(world):
    """The long answer is 10 MB in 100,000 pieces. The thread that makes it rests after some of them. The client stops
    reading it when it has shown that."""
    enough = 20
    for wiring in ONE_LOOP:
        with start(world, "--wiring", wiring) as server:
            with server.client() as stream, server.client() as small:
                hello(server, small)
                stream.send(get("/synthetic/stream?chunks=100000&size=100&ms=0"))
                stream.fill()
                reader = Reader(stream)
                reader.start()
                answered = 0
                while answered < enough and reader.is_alive():
                    hello(server, small)
                    answered += reader.is_alive()
                stream.stop_reading()
                reader.join()
                require(answered >= 5, f"{wiring}: {answered} were answered meanwhile")


@case("requests are answered beside 300 answers that pause for a millisecond between pieces", True)
def beside_many_pauses(world):
    """Some pause is over at any time, so there is always a timer that is due."""
    for wiring in ONE_LOOP:
        with start(world, "--wiring", wiring, "--drain-timeout", "300ms") as server:
            streams = [server.client() for _ in range(300)]
            for client in streams:
                client.send(get("/synthetic/stream?chunks=100000&size=1&ms=1"))
            for client in streams:
                client.fill()
            for _ in range(20):
                with server.client(timeout=5) as client:
                    hello(server, client)
            for client in streams:
                client.abort()


# --- a handler that blocks and is not marked as long ---------------------------------------------

BLOCK_MS = 500
BLOCKERS = 10


def block(ms):
    """A request to a handler that is not marked: it forwards to one that sleeps."""
    return get(f"/synthetic/forward?to=/synthetic/sleep%3Fms={ms}")


def warm_asker(server):
    """A connection that the loop has adopted, and that has had its first answer."""
    asker = Asker(server)
    asker.send(HELLO)
    asker.answers()
    return asker


def count_in_loop(rows):
    """How many of them the thread that read them processed itself."""
    return sum(row["thread_process"] == row["thread_read"] for row in rows)


def ask_all_at_once(server):
    """Ten ask the handler that blocks and one, behind them, for a small file, before the loop looks. What the trace
    will know of them: (the askers, the last one's, when they could begin, what the machine took meanwhile)."""
    blockers, small = [warm_asker(server) for _ in range(BLOCKERS)], warm_asker(server)
    with Stopped(server, 0):
        for blocker in blockers:
            blocker.send(block(BLOCK_MS))
        small.send(HELLO)
    watch, begin_ns = Stopwatch(server), time.monotonic_ns()
    small.answers()
    late = watch.late()
    for blocker in blockers:
        blocker.answers()
    return blockers, small, begin_ns, late


@case("a short request beside many to a handler that blocks a loop by mistake waits for one of them at most")
def beside_blockers(world):
    """One after the other they would take five seconds. The loop finds out with the first."""
    for flags, runs in LOOP_WITH_POOL:
        with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
            path = os.path.join(folder, "trace")
            with start(world, "--trace", path, *flags) as server:
                blockers, small, begin_ns, late = ask_all_at_once(server)
            rows = rows_of(world, path)
        in_loop = count_in_loop([rows[blocker.port, 2] for blocker in blockers])
        require(in_loop in runs, f"{flags}: the loop ran {in_loop} of {BLOCKERS}")
        row = rows[small.port, 2]
        delay = (row["first_byte_ns"] + row["total"] - begin_ns) / 1e9
        require(delay < 2 * BLOCK_MS / 1000 + late, f"{flags}: it was answered after {delay:.3f} s, of which the "
                f"machine took at most {late:.3f}")


@case("a loop runs a handler that blocks by mistake once, and the next requests go to the other group")
def blockers_in_turn(world):
    """The loop has nothing else to do, and a thread of the other group sleeps."""
    count = 5
    for flags, runs in LOOP_WITH_POOL:
        with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
            path = os.path.join(folder, "trace")
            with start(world, "--trace", path, *flags) as server:
                blocker = warm_asker(server)
                for _ in range(count):
                    blocker.send(block(20))
                    blocker.answers()
                counted = counter(server, "INLINE_LONG")
            rows = rows_of(world, path)
        in_loop = count_in_loop([rows[blocker.port, 2 + nth] for nth in range(count)])
        require(in_loop in runs, f"{flags}: the loop ran {in_loop} of {count}")
        require(counted >= in_loop, f"{flags}: the loop ran {in_loop}, and {counted} are counted")
