"""Faults around handlers: threads that answers do not hold, stops while others complete answers,
clients that leave meanwhile, words that are not kept, connections that are kept too many.

Each case starts a server of its own, like those of faults.py, and belongs to the same area.
"""

import re
import signal
import time

import harness
from docroot import HELLO
from harness import eventually, scaled
from lateness import Stopwatch
from servers import FAST, back_to, hammer, hello, quick, settle, start
from table import Table, get, request, require

table = Table("faults", args=("own",))
case = table.case

LOOPED_MODELS = ("loops",)


def has_pool(world):
    """Can another thread go on with a connection while a handler blocks one?"""
    if "--wiring" in world.base_args:
        wiring = world.base_args[world.base_args.index("--wiring") + 1]
        return any(re.fullmatch(r"P(\*\d+)?", group.strip()) for group in wiring.split("|"))
    if "--model" in world.base_args:
        return world.base_args[world.base_args.index("--model") + 1] not in LOOPED_MODELS
    return True


def processors(world, count):
    """Arguments for so many processors, where the model does not say how many there are."""
    said = "--wiring" in world.base_args or "--sessions" in world.base_args
    return () if said else ("--processors", str(count))


def counter(server, text):
    """A counter of the server's first report, by its text."""
    server.signal(signal.SIGUSR1)

    def found():
        match = re.search(rf"(\d+)\s+{re.escape(text)}$", server.stderr(), re.M)
        return match and int(match.group(1))

    return eventually(found, f"the report has '{text}'")


# --- threads -----------------------------------------------------------------------------------

@case("20 answers that wait for 300 ms each occupy no processor, though there is but one", True)
def away_holds_no_thread(world):
    """In a row they would take 6 s. A request beside them is answered at once, all the time."""
    with start(world, *processors(world, 1)) as server:
        hello(server)
        clients = [server.client() for _ in range(20)]
        watch = Stopwatch(server)
        for client in clients:
            client.send(get("/synthetic/async?ms=300") + FAST)
        while watch.seconds() < 0.25:
            quick(server, 0.25, "beside answers that wait")
        for client in clients:
            require(client.read_response().body == b"completed after 300 ms\n", "another answer")
            require(client.read_response().body == HELLO, "out of step")
            client.close()
        took, awake = watch.seconds(), watch.awake()
        require(0.29 <= took and awake < scaled(2), f"all together took {took * 1000:.0f} ms")


@case("the next request does not wait for a handler whose answer is complete", True)
def next_before_handler_returns(world):
    """Where handlers have threads of their own. Where the handler's thread is the one that sends,
    no thread sends: then both answers come in order when it returns."""
    with start(world, *processors(world, 3)) as server:
        hello(server)
        with server.client() as client:
            watch = Stopwatch(server)
            client.send(get("/synthetic/async?ms=0&after=1000") + FAST)
            require(client.read_response().body == b"completed after 0 ms\n", "another answer")
            require(client.read_response().body == HELLO, "out of step")
            took, awake = watch.seconds(), watch.awake()
            least, most = (0, 0.5) if has_pool(world) else (0.9, 3)
            require(awake < scaled(most), f"both took {awake * 1000:.0f} ms")
            require(took >= least, f"both took only {took * 1000:.0f} ms")
        hello(server)


@case("a connection may end while the handler of its last answer goes on", True)
def gone_before_handler_returns(world):
    """Its memory is freed under the handler, which must not look."""
    with start(world) as server:
        baseline = settle(server)
        for _ in range(10):
            clients = [server.client() for _ in range(4)]
            for client in clients:
                client.send(get("/synthetic/async?ms=0&after=30", "Connection: close"))
            for client in clients:
                require(client.read_response().status == 200, "not answered")
                client.close()
        back_to(server, baseline)


# --- clients that leave, and stops -------------------------------------------------------------

@case("clients that leave while others complete their answers leave nothing behind")
def gone_while_away(world):
    """By FIN, by RST and in a pipeline; each exchange ends all the same."""
    with start(world) as server:
        baseline = settle(server)
        for nth in range(120):
            client = server.client()
            client.send(get(f"/synthetic/async?ms={nth % 40}") + (FAST if nth % 2 else b""))
            if nth % 3 == 0:
                client.abort()
            else:
                client.close()
        hello(server)
        back_to(server, baseline)


@case("SIGTERM waits for answers that others complete", late=0.2)
def drain_waits(world):
    """They are whole, say close, and nothing is read behind them."""
    with start(world) as server:
        clients = [server.client() for _ in range(10)]
        for client in clients:
            hello(server, client)
            client.send(get("/synthetic/async?ms=600") + FAST)
        require(clients[-1].quiet_for(0.1), "answered at once")
        server.signal(signal.SIGTERM)
        for client in clients:
            response = client.read_response()
            require(response.body == b"completed after 600 ms\n", f"got {response.body!r}")
            require(response.says_close(), "the answer does not say close")
            client.expect_end(allow_reset=True)
        require(server.wait(5) == 0, f"exit code {server.process.returncode}")


@case("answers that would be completed too late do not hold a stop beyond --drain-timeout")
def drain_cuts(world):
    """They say 503: the answer does not claim a success."""
    with start(world, "--drain-timeout", "400ms") as server:
        clients = [server.client() for _ in range(10)]
        for client in clients:
            hello(server, client)
            client.send(get("/synthetic/async?ms=60000"))
        require(clients[-1].quiet_for(0.1), "answered at once")
        begin = time.monotonic()
        server.signal(signal.SIGTERM)
        for client in clients:
            while not client.eof:
                client.fill()
            if client.buffer:
                require(client.read_response().status == 503, "told as a success")
        require(server.wait(4) == 0, f"exit code {server.process.returncode}")
        require(time.monotonic() - begin >= 0.35, "it did not wait for them at all")


@case("a handler that goes on behind its answer does not hold a stop beyond --drain-timeout")
def stop_goes_on(world):
    """Its client is gone, so nothing is in flight: it is woken at once."""
    with start(world, "--drain-timeout", "400ms") as server:
        with server.client() as client:
            client.send(get("/synthetic/async?ms=0&after=60000", "Connection: close"))
            require(not has_pool(world) or client.read_response().status == 200, "not answered")
            server.signal(signal.SIGTERM)
            require(server.wait(4) == 0, "still running 4 s after SIGTERM")


@case("a stop under load with answers pending is clean", True)
def stop_under_load_with_pending(world):
    """Those that are answered are whole; those that wait for long get an error, or are cut."""
    for signals in (1, 2):
        with start(world, "--drain-timeout", "500ms") as server:
            hammers = hammer(server, 8)
            clients = [server.client() for _ in range(40)]
            for i, client in enumerate(clients):
                client.send(get(f"/synthetic/async?ms={i * 7 if i % 2 else 60000}"))
            for _ in range(signals):
                server.signal(signal.SIGTERM)
                eventually(lambda: "stopping" in server.stderr(), "it says that it stops")
            require(server.wait(8) == 0, f"exit code {server.process.returncode}")
            for one in hammers:
                one.thread.join(scaled(12))
            for client in clients:
                while not client.eof:
                    client.fill()
                if client.buffer:
                    require(client.read_response().status in (200, 503), "another status")
                require(not client.buffer, "bytes behind the answer")
            # A second signal cuts what is in flight: only the first promises whole answers.
            problems = [one.problem for one in hammers if one.problem]
            require(signals == 2 or not problems, f"clients: {problems[:1]}")


# --- words that are not kept -------------------------------------------------------------------

@case("lengths that are not kept are counted, and logged at most once a second", True)
def length_watch(world):
    """Handler, declared, produced."""
    watch = Stopwatch()
    with start(world) as server:
        with server.client() as client:
            for _ in range(20):
                require(client.ask(get("/synthetic/length?declared=5&actual=9")).body == b"01234",
                        "another body")
            hello(server, client)
        with server.client() as client:
            client.send(get("/synthetic/length?declared=9&actual=5"))
            while not client.eof:
                client.fill()
        require(counter(server, "answers with more or less than their declared length") == 21,
                "not 21 counted")
        lines = re.findall(r"handler length declared 5 bytes and produced 9", server.stderr())
        require(1 <= len(lines) <= 3 + watch.late(), f"{len(lines)} lines in the log")


@case("a loop of forwards is logged, and the server goes on")
def forward_loop(world):
    """Once for many."""
    watch = Stopwatch()
    with start(world) as server:
        target = "/hello.txt"
        for _ in range(12):
            target = "/synthetic/forward?to=" + target
        with server.client() as client:
            for _ in range(10):
                require(client.ask(get(target)).status == 500, "not refused")
            hello(server, client)
        lines = re.findall(r"forwarded more than 8 times", server.stderr())
        require(1 <= len(lines) <= 3 + watch.late(), f"{len(lines)} lines in the log")


@case("a forward does not open what --synthetic closes")
def forward_permission(world):
    """Asked for or forwarded to, it is not there."""
    with start(world, "--synthetic", "off") as server:
        with server.client() as client:
            for target in ("/synthetic/forward?to=/hello.txt", "/synthetic/async?ms=0"):
                require(client.ask(get(target)).status == 404, f"{target} is there")


# --- kept connections --------------------------------------------------------------------------

def one_that_is_kept(server):
    """A connection behind its first answer, or None when that says that it is not kept."""
    client = server.client()
    if hello(server, client).says_close():
        client.close()
        return None
    return client


@case("--keepalive-connections 3: the fourth is answered once, and a place is free again later")
def keepalive_connections(world):
    """It gets an error; those that are kept stay."""
    with start(world, "--keepalive-connections", "3", "--keepalive-timeout", "1h") as server:
        for _ in range(3):
            kept = [eventually(lambda: one_that_is_kept(server), "a place is free") for _ in range(3)]
            for _ in range(3):
                with server.client() as fourth:
                    require(hello(server, fourth).says_close(), "the fourth is kept")
                    fourth.expect_end()
            for client in kept:
                require(not hello(server, client).says_close(), "a kept one is closed")
            baseline = server.descriptors() - 3
            for client in kept:
                client.close()
            back_to(server, baseline)


@case("connections that ask for close need no place among the kept ones")
def keepalive_not_asked(world):
    """Nor do those of HTTP/1.0."""
    with start(world, "--keepalive-connections", "1", "--keepalive-timeout", "1h") as server:
        for text in (get("/hello.txt", "Connection: close"),
                     request("GET", "/hello.txt", version="HTTP/1.0")):
            for _ in range(3):
                with server.client() as client:
                    require(client.ask(text).body == HELLO, "not answered")
                    client.expect_end()
        with server.client() as client:
            require(not hello(server, client).says_close(), "the place is taken")


@case("--keepalive-connections under load: never more are kept than allowed", True)
def keepalive_under_load(world):
    """As many as find a place, one request each for the others."""
    light = harness.timeout_scale <= 1
    with start(world, "--keepalive-connections", "5", "--keepalive-timeout", "1h") as server:
        clients = [server.client() for _ in range(60)]
        for client in clients:
            client.send(FAST)
        stay = [client for client in clients if not client.read_response().says_close()]
        require(len(stay) == 5, f"{len(stay)} are kept")
        for _ in range(20 if light else 5):
            for client in stay:
                require(not hello(server, client).says_close(), "a kept one is closed")
        for client in clients:
            client.close()
