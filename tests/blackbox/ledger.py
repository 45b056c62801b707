"""The ledger: every nanosecond of every request has a place, from the client's clock to the client's clock.

A load generator's log and the server's trace are joined by quartet-trace. The cases hold what it says against the log, which
another program wrote.
"""

import csv
import io
import json
import os
import subprocess
import tempfile
import time

from generator import beside, load, read_log
from harness import PATIENCE_S, scaled
from servers import start
from table import Table, get, require

table = Table("ledger", args=("own",))
case = table.case

FROM_DUE = ("own.lag", "connection.wait", "way.in", "socket.wait", "read", "process.wait", "process", "write.wait",
            "write", "way.out")
COLUMNS = "due_ns,released_ns,sent_ns,done_ns,port,position,measured,outcome"


def show(world, option, log, trace, code=0):
    """What quartet-trace prints of both."""
    done = subprocess.run([beside(world, "quartet-trace"), option, "--client-log", log, trace], capture_output=True,
                          timeout=scaled(PATIENCE_S), check=False)
    require(done.returncode == code, f"quartet-trace {option}: exit {done.returncode}, {done.stderr.decode()}")
    return done.stdout.decode()


def check(world, log, trace, unaccounted=False):
    """Each request of the log that counts has its record, and parts that add up to its latency. Gives the ledger."""
    counting = [row for row in read_log(log) if row["measured"] and row["outcome"] == "good"]
    require(counting, "the log has no request that counts")
    ledger = json.loads(show(world, "--json", log, trace))["ledger"]
    require(ledger["requests"] == ledger["joined"] == len(counting),
            f"{ledger['joined']} of {ledger['requests']} joined, the log has {len(counting)}")
    require(ledger["wrong"] == 0, f"{ledger['wrong']} contradict each other: {ledger['wrong_why']}")
    latencies = sorted(row["done_ns"] - row["due_ns"] for row in counting)
    require(ledger["latency_sum_ns"] == sum(latencies), f"{ledger['latency_sum_ns']} and not {sum(latencies)}")
    parts = sum(part["sum_ns"] for part in ledger["parts"])
    require(parts + ledger["unaccounted_ns"] == sum(latencies), f"the parts make {parts} of {sum(latencies)} ns")
    require((ledger["unaccounted_share"] > 0) == unaccounted, f"unaccounted: {ledger['unaccounted_share']}")
    if not unaccounted:
        rows = check_rows(show(world, "--csv", log, trace))
        require(set(latencies) <= set(rows), "a request of the log has no row with its latency")
    return ledger


def check_rows(text):
    """The latencies of all rows that the log has; the parts of each make it."""
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        if row["latency"] == "":
            continue
        parts = [int(row[name]) for name in FROM_DUE]
        require(sum(parts) == int(row["latency"]), f"{parts} do not make {row['latency']}")
        found.append(int(row["latency"]))
    return found


def joined(world, *args, server=(), target="/hello.txt", **options):
    """A load with these arguments, and what the ledger says of it."""
    with tempfile.TemporaryDirectory(prefix="quartet-ledger-") as folder:
        log, trace = os.path.join(folder, "log"), os.path.join(folder, "trace")
        with start(world, "--trace", trace, *server) as running:
            host, port = running.addresses[0][:2]
            load(world, "-c", "8", "-d", "300ms", "--warmup", "0s", "--log", log, *args,
                 *(f"http://{host}:{port}{one}" for one in ([target] if isinstance(target, str) else target)))
        return check(world, log, trace, **options)


@case("kept connections: each request has all its parts")
def kept(world):
    """In an open loop requests also wait for a free connection."""
    joined(world)
    joined(world, "--rate", "2000", "-c", "2")


@case("pipelined requests: each one has the arrival of the bytes that it came with")
def pipelined(world):
    """Those behind the first lie in the server's buffer, which is part of `read`."""
    joined(world, "--pipeline", "8")


@case("a connection for each request: making it is a wait for a connection")
def single(world):
    """Ports come again; connections differ by time."""
    joined(world, "--requests-per-connection", "1")
    joined(world, "--requests-per-connection", "3")


@case("bodies, streams and answers of another thread have all their parts")
def kinds(world):
    """The last byte of a stream is sent long after the first."""
    joined(world, "--method", "POST", "--body", "@20000", target="/synthetic/echo")
    joined(world, target=("/synthetic/stream?chunks=3&size=100&ms=1", "/synthetic/async?ms=2", "/hello.txt",
                          "/synthetic/bytes?n=300000"))


@case("without the kernel's times of arrival the time before the read is unaccounted, and nothing else")
def without_arrival(world):
    """--socket-times off."""
    ledger = joined(world, server=("--socket-times", "off"), unaccounted=True)
    require(ledger["without_arrived"] == ledger["requests"], f"{ledger['without_arrived']} without an arrival")


@case("a body in chunks that come one by one: the time of the client's pauses has its place")
def chunked(world):
    """A client with a log of its own; what it waits between the chunks is the server's `read`."""
    pauses, lines = 3, [COLUMNS]
    with tempfile.TemporaryDirectory(prefix="quartet-ledger-") as folder:
        log, trace = os.path.join(folder, "log"), os.path.join(folder, "trace")
        with start(world, "--trace", trace) as server, server.client() as client:
            for position in range(1, 4):
                due = time.monotonic_ns()
                client.send(b"POST /synthetic/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(pauses):
                    time.sleep(0.01)  # part of what the case says: the client is slow
                    client.send(b"3\r\nabc\r\n")
                client.send(b"0\r\n\r\n")
                response = client.read_response()
                done = time.monotonic_ns()
                require(response.body == b"abc" * pauses, f"{response.body!r}")
                lines.append(f"{due},{due},{due},{done},{client.sock.getsockname()[1]},{position},1,good")
        with open(log, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        ledger = check(world, log, trace)
    means = {part["name"]: part["mean_ns"] for part in ledger["parts"]}
    # A server that comes late reads more at once; what it did not read yet has arrived, or is on its way.
    whole = means["way.in"] + means["socket.wait"] + means["read"]
    require(whole >= pauses * 10_000_000, f"the request took {whole} ns to be whole")


@case("requests that other clients sent are left out and counted")
def strangers(world):
    """The case's own client is none of the generator's."""
    with tempfile.TemporaryDirectory(prefix="quartet-ledger-") as folder:
        log, trace = os.path.join(folder, "log"), os.path.join(folder, "trace")
        with start(world, "--trace", trace) as server:
            host, port = server.addresses[0][:2]
            with server.client() as client:
                for _ in range(5):
                    require(client.ask(get("/hello.txt")).status == 200, "no answer")
            load(world, "-c", "2", "-d", "100ms", "--warmup", "0s", "--log", log, f"http://{host}:{port}/hello.txt")
        ledger = check(world, log, trace)
    require(ledger["records_not_in_log"] == 5, f"{ledger['records_not_in_log']} records are not in the log")


@case("a log that contradicts the trace ends with status 1")
def contradiction(world):
    """Each request was done by the client before the server had sent it."""
    with tempfile.TemporaryDirectory(prefix="quartet-ledger-") as folder:
        log, trace = os.path.join(folder, "log"), os.path.join(folder, "trace")
        with start(world, "--trace", trace) as server, server.client() as client:
            before = time.monotonic_ns()
            require(client.ask(get("/synthetic/sleep?ms=400")).status == 200, "no answer")
            after = time.monotonic_ns()
            port = client.sock.getsockname()[1]
        middle = before + (after - before) // 2  # the handler sleeps
        with open(log, "w", encoding="ascii") as file:
            file.write(f"{COLUMNS}\n{before},{before},{before},{middle},{port},1,1,good\n")
        said = json.loads(show(world, "--json", log, trace, code=1))["ledger"]
        require(said["wrong"] == 1 and "way.out" in said["wrong_why"], f"{said['wrong']}: {said['wrong_why']}")
