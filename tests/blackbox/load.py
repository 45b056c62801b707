"""Load: many clients at once, full queues, every way to wake a thread, the trace of all of it.

What is checked is what a queue can get wrong: an answer lost, doubled, out of order or given to
somebody else, a thread that is never woken, a thread that never rests. Every request carries a
stamp (who sent it, and the how-manieth), and its answer must be that stamp.
"""

import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time

import harness
from docroot import HELLO
from harness import PATIENCE_S, CaseFailed, Client, eventually, scaled
from lateness import Stopwatch
from servers import FAST, HUGE, back_to, config_of, hammer, hello, log_lines, quick, settle
from servers import start_patient as start
from table import Table, get, head, post, request, require

table = Table("load", args=("own",))
case = table.case

# Work is cut down where the server is slow, so that a run stays short.
LIGHT = 4

# Each set of flags changes how a stage is woken, how much it takes at once or when it is full.
KNOBS = (
    ("--wakeup always", ("--wakeup", "always")),
    ("--wakeup spin:50", ("--wakeup", "spin:50")),
    ("--doorbell pipe", ("--doorbell", "pipe")),
    ("--doorbell condvar", ("--doorbell", "condvar")),
    ("--batch 1", ("--batch", "1")),
    ("--queue-size 1", ("--queue-size", "1")),
    ("--queue-size 4", ("--queue-size", "4")),
    ("--accept-limit 1", ("--accept-limit", "1")),
    ("--file-cache-entries 0", ("--file-cache-entries", "0")),
    ("--trace-level off", ("--trace-level", "off")),
    ("one of everything", ("--queue-size", "1", "--batch", "1", "--accept-limit", "1")),
    ("always, pipe, --queue-size 2", ("--wakeup", "always", "--doorbell", "pipe",
                                      "--queue-size", "2")),
    ("spin, condvar, --batch 2", ("--wakeup", "spin:20", "--doorbell", "condvar",
                                  "--batch", "2")),
)


def share_of(count):
    """The part of `count` that a run on this build does."""
    return count if harness.timeout_scale <= 1 else max(1, count // LIGHT)


# --- stamped requests --------------------------------------------------------------------------

def stamped(who, nth):
    """A request and the one body that answers it. Kinds are mixed: answers made in one piece, in
    several, and none that could be taken for another's."""
    stamp = b"client %d request %d" % (who, nth)
    if nth % 5 == 4:
        stamp = stamp.ljust(3000 + who, b".")  # longer than what is copied behind the head
    return post("/synthetic/echo", stamp), stamp


def ask_stamped(client, who, count, depth):
    """`count` requests on one connection, `depth` of them on their way at a time."""
    for first in range(0, count, depth):
        pairs = [stamped(who, nth) for nth in range(first, min(first + depth, count))]
        client.send(b"".join(text for text, _ in pairs))
        for _, stamp in pairs:
            response = client.read_response()
            require(response.body == stamp,
                    f"{stamp[:30]!r} was answered with {response.status} {response.body[:40]!r}")


def in_threads(count, work):
    """work(i) in a thread for each i; the failures."""
    failures = []

    def guarded(i):
        try:
            work(i)
        except (CaseFailed, OSError) as failure:
            failures.append(str(failure))

    threads = [threading.Thread(target=guarded, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def press(server, clients, count, depth):
    """That many clients at once, each with `count` requests; every one must get all its answers.
    How many requests were sent."""
    def work(who):
        with server.client() as client:
            ask_stamped(client, who, count, depth)
    failures = in_threads(clients, work)
    require(not failures, f"{len(failures)} of {clients} clients: {failures[:1]}")
    return clients * count


def rests(server):
    """With nothing to do the server uses no CPU: no thread polls in a circle."""
    until_still(server)
    watch, before = Stopwatch(), server.cpu_seconds()
    time.sleep(0.2)
    busy = (server.cpu_seconds() - before) / watch.seconds()
    require(busy < 0.35, f"{busy * 100:.0f}% CPU with nothing to do")


def wakes(server, rounds):
    """Each request finds all threads asleep; one that is not woken shows as a slow answer."""
    with server.client() as client:
        for _ in range(rounds):
            time.sleep(0.005)
            quick(server, 0.5, "at rest", client=client)


def knob_case(name, flags):
    """One case for one set of flags."""
    def run(world):
        with start(world, *flags, "--keepalive-timeout", "1h") as server:
            press(server, 24, share_of(80), 20)
            press(server, 8, share_of(40), 1)
            wakes(server, share_of(20))
            rests(server)
    table.case(f"{name}: nothing is lost, all stays in order, and it rests afterwards", True)(run)


for knob_name, knob_flags in KNOBS:
    knob_case(knob_name, knob_flags)
del knob_name, knob_flags


# --- queues that are full ----------------------------------------------------------------------

@case("--queue-size 1: 150 clients connect and ask at once, all are answered", True)
def full_from_the_start(world):
    """The first queue is full while clients still connect, so accepting pauses and goes on."""
    with start(world, "--queue-size", "1", "--batch", "2") as server:
        for _ in range(share_of(4)):
            clients = [server.client() for _ in range(150)]
            for client in clients:
                client.send(FAST)
            for client in clients:
                require(client.read_response().body == HELLO, "another answer")
                client.close()


@case("--queue-size 1: slow handlers in front of it fill it, and nothing behind them is lost", True)
def full_behind_handlers(world):
    """More sleeping handlers than threads; pipelined and kept clients wait behind them."""
    with start(world, "--queue-size", "1") as server:
        sleepers = [server.client() for _ in range(30)]
        for client in sleepers:
            client.send(get("/synthetic/sleep?ms=15"))
        press(server, 16, share_of(60), 15)
        for client in sleepers:
            require(client.read_response().status == 200, "a sleeper is not answered")
            client.close()


@case("--queue-size 4: clients that vanish while queues are full leave nothing behind", True)
def full_and_gone(world):
    """Whatever waits in a queue for them is found and closed."""
    with start(world, "--queue-size", "4") as server:
        baseline = settle(server)
        for _ in range(share_of(4)):
            crowd = [server.client() for _ in range(60)]
            for i, client in enumerate(crowd):
                client.send(get("/synthetic/sleep?ms=2") + FAST * (i % 9))
            for client in crowd:
                client.abort()
            hello(server)
        back_to(server, baseline)


@case("20 clients with 1,000 pipelined requests in one write each get all answers in order", True)
def deep_pipelines(world):
    """No client waits for another to be done, and none is cut at a bound of a turn."""
    with start(world, "--io-timeout", "1h") as server:
        press(server, 20, share_of(1000), 1000)


@case("a pipeline that is kept filled never waits for a home that sleeps", True)
def filled_pipeline(world):
    """Four requests are always under way. The server stops watching a client that sends early; the
    return of its connection must then wake whoever waits for it, each time and not by a timer."""
    target = get("/synthetic/sleep?ms=2")
    took = []
    with start(world, "--synthetic", "on") as server, server.client() as client:
        client.send(target * 4)
        for _ in range(100):
            watch = Stopwatch(server)
            require(client.read_response().status == 200, "not answered with 200")
            took.append(watch.awake())
            client.send(target)
    # Two milliseconds and what the machine adds. A home that sleeps wakes after 50 ms by itself,
    # which one answer in four had to wait for.
    late = sorted(took)[90]
    require(late < scaled(0.02), f"one answer in ten takes {late * 1000:.1f} ms")


# --- answers that are made faster than they are taken ------------------------------------------

def pool_processes(world):
    """Do handlers run in threads that are no poll loop's own? Such a thread sleeps in a handler's
    pauses, a loop does not."""
    groups = [group.strip() for group in config_of(world)["wiring"].split("|")]
    handlers = next(group for letter in "Pp" for group in groups if letter in group)
    return handlers.split("*")[0] == "P" or handlers[0].islower() or "@" in handlers


def until_still(server):
    """Waits until the server has done what it can do: it uses no more CPU."""
    previous = [-1.0]

    def still():
        before, previous[0] = previous[0], server.cpu_seconds()
        time.sleep(0.05)
        return before == previous[0]

    eventually(still, "the server comes to rest")


def short_requests_pass(server, count=100):
    """They are answered soon, whatever else goes on."""
    quick(server, 0.5, "short requests", count)


@case("200 streams that nobody reads do not stop short requests, nor fill the memory", True)
def unread_streams(world):
    """Each would be 100 MB; above the mark a handler lets go and holds no thread."""
    with start(world, "--output-highwater", "64K", "--drain-timeout", "300ms") as server:
        short_requests_pass(server)
        before = server.resident_kb()
        crowd = [server.client(receive_buffer=4096) for _ in range(200)]
        for client in crowd:
            client.send(get("/synthetic/stream?chunks=1000&size=100000&ms=0"))
        until_still(server)  # filling 200 socket buffers is work, whoever asks behind it waits
        short_requests_pass(server)
        grown = server.resident_kb() - before
        require(harness.timeout_scale > 1 or grown < 40_000, f"memory grew by {grown} kB")
        for client in crowd:
            client.abort()
        short_requests_pass(server, 20)


def in_send_queue(client):
    """Bytes that the kernel keeps for the client: sent and not taken, or not sent."""
    server, own = (f"{address[1]:04X}" for address in (client.sock.getpeername(),
                                                        client.sock.getsockname()))
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(":" + server) and fields[2].endswith(":" + own):
                return int(fields[4].split(":")[0], 16)
    raise CaseFailed("the connection is not there")


@case("the kernel keeps little of an answer that nobody takes: --unsent-limit")
def unsent_limit(world):
    """By default, and where it is said; the rest comes when the client takes what there is. A segment
    may go over the limit, and what is sent and not taken is beside it."""
    for flags, most in (((), 256), (("--unsent-limit", "32K"), 32), (("--unsent-limit", "1M"), 1024)):
        with start(world, "--io-timeout", "30s", *flags) as server:
            with server.client(receive_buffer=4096) as client:
                client.send(get("/synthetic/bytes?n=20000000"))
                eventually(lambda: in_send_queue(client) >= most * 512, f"{flags}: the kernel keeps {most // 2} KiB")
                until_still(server)
                kept = in_send_queue(client)
                require(kept <= (most + 160) * 1024, f"{flags}: {kept} bytes")
            with server.client() as client:
                client.send(get("/synthetic/bytes?n=20000000"))
                until_still(server)
                require(len(client.read_response().body) == 20_000_000, "not whole")


@case("200 streams with pauses do not stop short requests where handlers run on a loop", True)
def paused_streams(world):
    """A pause is a timer there. A pool's thread sleeps in it by design: nothing to see then."""
    if pool_processes(world):
        return
    with start(world) as server:
        crowd = [server.client() for _ in range(200)]
        for client in crowd:
            client.send(get("/synthetic/stream?chunks=10&size=50&ms=60"))
        short_requests_pass(server)
        for client in crowd:
            response = client.read_response()
            require(response.chunks == [50] * 10, f"chunks {response.chunks}")
            client.close()


@case("--output-highwater 4K: streams to slow readers are whole", True)
def slow_streams(world):
    """Handler and writer hand one answer to and fro hundreds of times."""
    want = b"".join(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+\n"
                    for _ in range(64))[:3000]
    count = share_of(100)
    with start(world, "--output-highwater", "4K") as server:
        def work(nth):
            with server.client(receive_buffer=4096 if nth % 2 else 65536) as client:
                client.send(get(f"/synthetic/stream?chunks={count}&size=3000&ms=0") + FAST)
                while client.total_received < 1500 * count:
                    time.sleep(0.002 * (nth % 3))
                    client.fill()
                response = client.read_response()
                require(response.chunks == [3000] * count, f"{len(response.chunks)} chunks")
                require(response.body == want * count, "another content")
                require(client.read_response().body == HELLO, "another answer behind it")
        failures = in_threads(16, work)
        require(not failures, f"{len(failures)} of 16 clients: {failures[:1]}")


@case("streams in pieces that fill the socket, with pauses, are whole", True)
def streams_in_bursts(world):
    """The socket is full in each piece, and the answer's sending end changes hands between two."""
    count = 60  # fewer do not let the threads meet
    with start(world, "--unsent-limit", "16K", "--output-highwater", "1M") as server:
        def work(_):
            with server.client(receive_buffer=4096, timeout=20) as client:
                client.send(get(f"/synthetic/stream?chunks={count}&size=60000&ms=4"))
                while client.total_received < 60000 * count:
                    client.fill()
                response = client.read_response()
                require(response.chunks == [60000] * count, f"{len(response.chunks)} chunks")
        failures = in_threads(6, work)
        require(not failures, f"{len(failures)} of 6 clients: {failures[:1]}")


@case("--output-highwater 4K: stream readers that vanish at any moment leave nothing behind", True)
def streams_cut(world):
    """The writer gives up while the handler waits for room, pauses or makes the next piece."""
    with start(world, "--output-highwater", "4K") as server:
        baseline = settle(server)
        shuffle = random.Random(4)
        for i in range(share_of(200)):
            client = server.client(receive_buffer=4096)
            client.send(get(f"/synthetic/stream?chunks=400&size=2000&ms={i % 4 // 3}")
                        + FAST * (i % 3))
            for _ in range(shuffle.randrange(4)):
                client.fill()
            if i % 2:
                client.abort()
            else:
                client.close()
        hello(server)
        back_to(server, baseline)


# --- half-closed clients -----------------------------------------------------------------------

HALF = (
    ("nothing", b"", 0),
    ("an empty line", b"\r\n", 0),
    ("half a request line", b"GET /hel", 0),
    ("half a head", FAST[:-2], 0),
    ("half a body", request("POST", "/synthetic/echo", "Content-Length: 9", body=b"abc"), 0),
    ("half a chunk", request("POST", "/synthetic/echo", "Transfer-Encoding: chunked",
                             body=b"5\r\nab"), 0),
    ("a request", FAST, 1),
    ("a request and half of one", FAST + FAST[:20], 1),
    ("a pipeline", FAST * 50, 50),
    ("a pipeline of slow ones", get("/synthetic/sleep?ms=3") * 10, 10),
    ("a slow one and half of one", get("/synthetic/sleep?ms=20") + b"GET", 1),
    ("a stream", get("/synthetic/stream?chunks=5&size=100&ms=5"), 1),
    ("a stream and a request", get("/synthetic/stream?chunks=3&size=100&ms=5") + FAST, 2),
    ("a large file", get("/large.bin"), 1),
    ("a close", get("/hello.txt", "Connection: close"), 1),
)


@case("a client that half-closes at any stage gets what it asked for, and the end")
def half_closed(world):
    """Whole requests are answered; half a one may be answered 400 or 408 or not at all."""
    with start(world) as server:
        baseline = settle(server)
        for name, text, whole in HALF:
            for pause in (0.0, 0.01):
                with server.client() as client:
                    client.send(text)
                    time.sleep(pause)
                    client.shutdown()
                    half_closed_end(client, name, whole)
        hello(server)
        back_to(server, baseline)


def half_closed_end(client, name, whole):
    """`whole` good answers, at most one refusal, then the end."""
    for nth in range(whole):
        response = client.read_response()
        require(response.status == 200, f"{name}: answer {nth + 1} is {response.status}")
    while not client.eof:
        client.fill()
    if client.buffer:
        response = client.read_response()
        require(response.status in (400, 408), f"{name}: then {response.status}")
    client.expect_end()


# --- limits under load -------------------------------------------------------------------------

@case("--max-connections 50: 200 clients under load are all served, never more than 50 at once",
      True)
def limit_under_load(world):
    """Counted by the server's descriptors, whoever of its threads accepts."""
    with start(world, "--max-connections", "50") as server:
        baseline = settle(server)
        most, done = [0], threading.Event()

        def watch():
            while not done.wait(0.001):
                most[0] = max(most[0], server.descriptors() - baseline)

        def work(who):
            for _ in range(share_of(4)):
                with server.client() as client:
                    ask_stamped(client, who, 6, 3)

        watcher = threading.Thread(target=watch)
        watcher.start()
        failures = in_threads(200, work)
        done.set()
        watcher.join()
        require(not failures, f"{len(failures)} of 200 clients: {failures[:1]}")
        require(most[0] <= 50, f"{most[0]} connections were open at once")
        back_to(server, baseline)


# --- threads on chosen processors --------------------------------------------------------------

@case("--pin puts the threads of a stage where it says", True)
def pin(world):
    """Every stage on one CPU: all threads of the stages, and they serve."""
    cpu = min(os.sched_getaffinity(0))
    with start(world, "--pin", ",".join(f"{stage}={cpu}" for stage in "LKRPW")) as server:
        press(server, 8, share_of(40), 5)
        pinned = 0
        for thread in os.listdir(f"/proc/{server.pid}/task"):
            with open(f"/proc/{server.pid}/task/{thread}/comm", encoding="utf-8") as file:
                name = file.read().strip()
            if re.fullmatch(r"q-[LKRPWrpw]+(/\d+)?", name):
                pinned += 1
                require(os.sched_getaffinity(int(thread)) == {cpu}, f"{name} is not on CPU {cpu}")
        require(pinned > 0, "no thread is named after its stages")


# --- starting and stopping ---------------------------------------------------------------------

@case("30 starts and stops in quick succession are clean", True)
def start_stop(world):
    """With no client, with a client that is silent, with one that asks at the last moment and
    does not close, so that the stop has to end its lingering close."""
    for i in range(share_of(30)):
        with start(world, "--linger-timeout", "20ms") as server:
            if i % 3 > 0:
                client = server.client()
                client.send(FAST if i % 3 == 2 else b"")


@case("a stop at any moment under load cuts no answer, whatever the queues' size", True)
def stop_any_moment(world):
    """Each time a little later, and with queues of one; the log has a line for each answer."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        for i in range(share_of(9)):
            path = os.path.join(folder, f"log{i}")
            flags = ((), ("--queue-size", "1"), ("--batch", "1", "--wakeup", "always"))[i % 3]
            with start(world, *flags, "--access-log", path) as server:
                hammers = hammer(server, 12)
                time.sleep(0.004 * i)
                server.signal(signal.SIGTERM)
                require(server.wait(12) is not None, "still running 12 s after SIGTERM")
                for one in hammers:
                    one.thread.join(scaled(12))
            problems = [one.problem for one in hammers if one.problem]
            require(not problems, f"stop {i}: {len(problems)} of 12 clients: {problems[:1]}")
            answers = sum(one.answers for one in hammers)
            lines = log_lines(path)
            require(answers <= len(lines) <= answers + 12,
                    f"stop {i}: {len(lines)} lines for {answers} answers")


@case("SIGUSR1 under load prints a whole table each time", True)
def usr1_under_load(world):
    """Reading the counters of running threads stops none of them."""
    with start(world) as server:
        stop = threading.Event()

        def work(who):
            with server.client() as client:
                while not stop.is_set():
                    ask_stamped(client, who, 20, 5)

        loader = threading.Thread(target=lambda: failures.extend(in_threads(6, work)))
        failures = []
        loader.start()
        for nth in range(1, 21):
            server.signal(signal.SIGUSR1)
            eventually(lambda n=nth: server.stderr().count("process.wait") >= n, "a table comes")
        stop.set()
        loader.join()
        require(not failures, f"{failures[:1]}")


# --- the trace ---------------------------------------------------------------------------------

def read_trace(world, path):
    """The table that quartet-trace prints, and its JSON; it must be content."""
    program = os.path.join(os.path.dirname(world.program), "quartet-trace")
    shown = []
    for options in ([], ["--json"]):
        done = subprocess.run([program, *options, path], capture_output=True, check=False,
                              timeout=scaled(PATIENCE_S))
        errors = done.stderr.decode(errors="replace")
        require(done.returncode == 0, f"quartet-trace {options}: exit {done.returncode}, {errors}")
        require(not any(word in errors for word in harness.STDERR_BUGS), errors[-800:])
        shown.append(done.stdout.decode())
    return shown[0], json.loads(shown[1])


def check_trace(world, path, sent, cut=0):
    """All requests are in it, those of them that were cut as well, and each one's parts add up."""
    text, told = read_trace(world, path)
    summary = told["summary"]
    require(summary["records_lost"] == 0, f"{summary['records_lost']} records lost")
    require(summary["requests"] == sent, f"{summary['requests']} requests, {sent} were sent")
    require(summary["unfinished"] == cut, f"{summary['unfinished']} unfinished, {cut} were cut")
    require(summary["parts_add_up"] is True, f"parts: {summary['parts_wrong']}")
    require(f"parts add up to total for all {sent - cut} requests" in text,
            f"the table does not say so: {text[-400:]}")


def traced(world, work, *flags, cut=0):
    """work(server) says how many requests it sent; the trace must have them all."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, "--trace", path, *flags) as server:
            sent = work(server)
        check_trace(world, path, sent, cut)


@case("the trace of a server that was never asked is whole and empty")
def trace_empty(world):
    """Zero is a number too."""
    traced(world, lambda server: 0)


@case("the trace has each request of many clients, and its parts add up", True)
def trace_load(world):
    """Pipelined, kept, and one on a connection; also with queues of one, where all wait."""
    def work(server):
        sent = press(server, 16, share_of(100), 25) + press(server, 4, share_of(50), 1)
        for _ in range(20):
            hello(server)
        return sent + 20
    for flags in ((), ("--queue-size", "1"), ("--batch", "1"), ("--wakeup", "always"),
                  ("--doorbell", "condvar")):
        traced(world, work, *flags)


ODD_KINDS = ((FAST, "GET"), (head("/page.html"), "HEAD"), (get("/nothing"), "GET"),
             (get("/hello.txt", "If-None-Match: *"), "GET"), (get("/large.bin"), "GET"),
             (get("/digits.txt", "Range: bytes=3-9"), "GET"),
             (get("/synthetic/stream?chunks=4&size=200&ms=2"), "GET"),
             (get("/synthetic/sleep?ms=3"), "GET"), (get("/synthetic/spin?us=500"), "GET"),
             (get("/synthetic/input?us=500&how=spin"), "GET"), (request("OPTIONS", "*"), "GET"),
             (request("DELETE", "/hello.txt"), "GET"), (post("/synthetic/echo", b"x" * 9000), "GET"))
REFUSED = (b"\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", get("/x", host=None),
           get("/hello.txt", "A" * 20000), get("/" + "a" * 20000))


@case("the trace has requests of every kind, also refused ones, and their parts add up")
def trace_kinds(world):
    """One after the other, in a pipeline, cut at odd places, with and without close."""
    def work(server):
        sent = 0
        with server.client() as client:
            for text, method in ODD_KINDS:
                client.ask(text, method)
            client.send(b"".join(text for text, _ in ODD_KINDS))
            for _, method in ODD_KINDS:
                client.read_response(method)
            for text, method in ODD_KINDS:
                client.send(text[:7])
                time.sleep(0.002)
                client.ask(text[7:], method)
            sent += 3 * len(ODD_KINDS)
        for text in REFUSED:
            with server.client() as client:
                client.ask(text)
            with server.client() as client:
                client.send(FAST + text)
                client.read_response()
                client.read_response()
            sent += 3
        return sent
    traced(world, work)


@case("the trace has answers that were cut, apart from those that were sent", True)
def trace_cut(world):
    """The client vanishes when it has seen the first bytes; whole requests stand beside it."""
    count = share_of(20)

    def work(server):
        baseline = settle(server)  # 40 requests
        for i in range(count):
            client = server.client(receive_buffer=4096)
            client.send(HUGE if i % 2 else get("/synthetic/stream?chunks=9999&size=9999&ms=0"))
            client.fill()
            client.abort()
            hello(server)
        back_to(server, baseline)
        return 40 + 2 * count

    traced(world, work, cut=count)


@case("the trace of a server that is stopped under load is whole", True)
def trace_stop(world):
    """The exact number of requests is not known; all that are there add up."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, "--trace", path) as server:
            hammers = hammer(server, 12)
            server.signal(signal.SIGTERM)
            server.wait(12)
            for one in hammers:
                one.thread.join(scaled(12))
        summary = read_trace(world, path)[1]["summary"]
        answers = sum(one.answers for one in hammers)
        require(summary["requests"] >= answers, f"{summary['requests']} for {answers} answers")
        require(summary["complete"] is True, "it is not complete")


# --- unix sockets ------------------------------------------------------------------------------

@case("a unix socket on which a server answers is refused, one that is left over is replaced")
def unix_sockets(world):
    """A second server must not take the first one's name away; a dead one's is free."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "s")
        with start(world, listen=(f"unix:{path}",)):
            done = subprocess.run([world.program, "--root", str(world.root), "--listen",
                                   f"unix:{path}"], capture_output=True, check=False,
                                  timeout=scaled(PATIENCE_S))
            errors = done.stderr.decode()
            require(done.returncode == 1 and path in errors and errors.count("\n") == 1,
                    f"exit {done.returncode}, {errors!r}")
            with Client(path) as client:
                require(client.ask(FAST).body == HELLO, "the first server lost its socket")
        killed = start(world, listen=(f"unix:{path}",))
        killed.kill()
        require(os.path.exists(path), "a killed server cannot have removed its socket")
        with start(world, listen=(f"unix:{path}",)), Client(path) as client:
            require(client.ask(FAST).body == HELLO, "another answer")


@case("a file in a unix socket's place is refused and left alone")
def unix_socket_taken(world):
    """It may be the data of a user."""
    with tempfile.TemporaryDirectory(prefix="quartet-sock-") as folder:
        path = os.path.join(folder, "data")
        with open(path, "wb") as file:
            file.write(HELLO)
        done = subprocess.run([world.program, "--root", str(world.root), "--listen",
                               f"unix:{path}"], capture_output=True, check=False,
                              timeout=scaled(PATIENCE_S))
        require(done.returncode == 1, f"exit {done.returncode}")
        with open(path, "rb") as file:
            require(file.read() == HELLO, "the file is not what it was")
