"""Faults around files and logs: answers that are cut.

Each case starts a server of its own, like those of faults.py, and belongs to the same area.
"""

import contextlib
import os
import re
import signal
import tempfile

from handler_faults import counter
from harness import eventually
from servers import log_lines, start
from table import Table, get, require

table = Table("faults", args=("own",))
case = table.case

CUT_COUNTER = "answers cut off before their end"


@contextlib.contextmanager
def scratch():
    """A folder for a log, and the log's path in it."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        yield os.path.join(folder, "access.log")


# --- answers that are cut ----------------------------------------------------------------------

def drained(client):
    """The client takes what comes until the server closes."""
    while not client.eof:
        client.fill()


def outcome(path, target):
    """(total, close, answer) of the only line about a target."""
    with open(path, encoding="ascii") as file:
        lines = [line for line in file if target in line]
    require(len(lines) == 1, f"{len(lines)} lines for {target}")
    match = re.search(r'" (-?[0-9]+) read=.* close=(\S+) answer=(\S+)$', lines[0])
    require(match, f"not a log line: {lines[0]!r}")
    return match.groups()


@case("an answer shorter than declared is logged and counted as cut, a longer one is not")
def short_answer(world):
    """The client of the longer one got all that it was promised."""
    short, long = ("/synthetic/length?declared=9&actual=5", "/synthetic/length?declared=5&actual=9")
    with scratch() as path, start(world, "--access-log", path) as server:
        with server.client() as client:
            require(client.ask(get(long)).body == b"01234", "another body")
            client.send(get(short))
            drained(client)
        eventually(lambda: len(log_lines(path)) == 2, "both lines come")
        require(outcome(path, long)[1:] == ("-", "whole"), f"{outcome(path, long)} for the longer")
        require(outcome(path, short) == ("-1", "server_error", "cut"),
                f"{outcome(path, short)} for the shorter")
        require(counter(server, CUT_COUNTER) == 1, "not one counted")


@case("an answer that a stop gives up is logged and counted as cut")
def stopped_answer(world):
    """In pieces, between two of which the server cuts; the report comes with the last line."""
    target = "/synthetic/stream?chunks=1000&size=100&ms=20"
    with scratch() as path:
        with start(world, "--access-log", path, "--drain-timeout", "60s") as server:
            with server.client() as client:
                client.send(get(target))
                eventually(lambda: client.fill() or client.total_received > 200, "it begins")
                server.signal(signal.SIGTERM)
                eventually(lambda: "stopping" in server.stderr(), "it drains")
                server.signal(signal.SIGTERM)
                drained(client)
                require(not client.buffer.endswith(b"\r\n0\r\n\r\n"), "it got a whole answer")
        _, close, answer = outcome(path, target)
        require((close, answer) == ("cut", "cut"), f"close={close} answer={answer}")


@case("a file that shrinks while it is sent is logged and counted as cut")
def shrunk_file(world):
    """The descriptor of the old length has no more bytes."""
    file = world.root / "changing" / "shrinks.bin"
    file.write_bytes(b"s" * 20_000_000)
    with scratch() as path, start(world, "--access-log", path) as server:
        with server.client(receive_buffer=4096, timeout=10) as client:
            client.send(get("/changing/shrinks.bin"))
            client.fill()
            os.truncate(file, 1000)
            drained(client)
        eventually(lambda: len(log_lines(path)) == 1, "the line comes")
        _, close, answer = outcome(path, "/changing/shrinks.bin")
        require((close, answer) == ("server_error", "cut"), f"close={close} answer={answer}")
        require(counter(server, CUT_COUNTER) == 1, "not one counted")
