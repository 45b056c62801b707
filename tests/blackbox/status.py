"""What a running server tells of itself: the Server-Timing field, /server-status, /metrics.

Each case starts a server of its own, so that its figures are those of the case's requests alone.
"""

import os
import re
import tempfile
from decimal import Decimal

from harness import eventually
from servers import start
from table import Table, get, head, require

table = Table("status", args=("own",))
case = table.case

HELLO = get("/hello.txt")
STREAM = get("/synthetic/stream?chunks=3&size=10&ms=3")

# --- Server-Timing -----------------------------------------------------------------------------

METRIC = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+);dur=(\d+(?:\.\d{1,6})?)\Z")
MICROSECOND_NS, MILLISECOND_NS = 1000, 1000000


def timing(value):
    """{name: nanoseconds} of a Server-Timing value."""
    found = {}
    for part in value.split(", "):
        match = METRIC.match(part)
        require(match, f"bad Server-Timing member {part!r}")
        found[match.group(1)] = int(Decimal(match.group(2)) * MILLISECOND_NS)
    return found


def logged(path, count):
    """{name: nanoseconds} of each line of an access log, when there are so many."""
    def lines():
        with open(path, encoding="utf-8") as file:
            text = file.read().splitlines()
        return text if len(text) >= count else None

    return [{name: int(Decimal(value) * MICROSECOND_NS)
             for name, value in re.findall(r" ([a-z.]+)=(\d+(?:\.\d+)?)(?= )", line)}
            for line in eventually(lines, f"the access log has {count} lines")]


@case("Server-Timing says what the access log says")
def timing_is_the_logs(world):
    """In the head what is over by then, in a trailer how long the handler took."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        with start(world, "--server-timing", "--access-log", path) as server, \
                server.client() as client:
            answers = [client.ask(HELLO), client.ask(head("/hello.txt"), "HEAD"),
                       client.ask(STREAM), client.ask(get("/nothing-there"))]
            lines = logged(path, len(answers))
    for nth, (response, line) in enumerate(zip(answers, lines)):
        said = timing(response.get("Server-Timing") or "")
        names = ["read", "process-wait"] if nth else ["accept", "read", "process-wait"]
        require(list(said) == names, f"answer {nth} has {list(said)} instead of {names}")
        require(said["read"] == line["read"], f"read is {said['read']}, in the log {line['read']}")
        require(said["process-wait"] == line["process.wait"],
                f"process-wait is {said['process-wait']}, in the log {line['process.wait']}")
    require([name for name, _ in answers[2].trailers] == ["Server-Timing"], "no trailer")
    took = timing(answers[2].trailers[0][1])
    require(list(took) == ["process"], f"the trailer has {list(took)}")
    require(2 * 3 * MILLISECOND_NS <= took["process"] <= lines[2]["process"],
            f"process is {took['process']}, in the log {lines[2]['process']}")


@case("Server-Timing is not there when it is not asked for, or nothing is measured")
def timing_is_off(world):
    """--trace-level off takes no stamps, so there is nothing to tell."""
    for flags in ((), ("--server-timing", "--trace-level", "off")):
        with start(world, *flags) as server, server.client() as client:
            for request in (HELLO, STREAM):
                response = client.ask(request)
                require(response.get("Server-Timing") is None, f"{flags}: Server-Timing")
                require(response.get("Trailer") is None, f"{flags}: Trailer")


@case("a client of HTTP/1.0 gets Server-Timing in the head alone")
def timing_before_trailers(world):
    """Its streams end with the connection."""
    with start(world, "--server-timing") as server, server.client() as client:
        response = client.ask(get("/synthetic/stream?chunks=2&size=5&ms=0", version="HTTP/1.0"))
        require(response.framing == "close" and len(response.body) == 10, "not 10 bytes to the end")
        require("read" in timing(response.get("Server-Timing")), "no Server-Timing")
        require(response.get("Trailer") is None, "a Trailer")
