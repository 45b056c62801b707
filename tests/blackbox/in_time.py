"""What a client did in time counts, however late the server comes to it.

Each case runs against every model. Most stop the whole server with SIGSTOP, let its clients act,
wait until their deadlines have passed and let the server go on: what it finds then is what a thread
finds that had no CPU for so long. The time they wait is part of what they say, and they must stop the
server before a deadline has passed (`late`).
"""

import json
import select
import signal
import time

from docroot import HELLO
from harness import CaseFailed, eventually, scaled
from servers import FAST, config_of, hello, overload_of, start
from table import Table, get, request, require

table = Table("in_time", args=("own",))
case = table.case

TIMEOUT = 1.0
TIMEOUTS = tuple(word for name in ("header", "body", "io", "keepalive")
                 for word in (f"--{name}-timeout", f"{TIMEOUT:.0f}s"))


class Stopped:
    """The server stands still inside, for `seconds` at least."""

    def __init__(self, server, seconds):
        self.server, self.seconds = server, seconds

    def __enter__(self):
        self.server.signal(signal.SIGSTOP)
        eventually(lambda: state_of(self.server.pid) == "T", "the server has stopped")
        self.begin = time.monotonic()

    def __exit__(self, *unused):
        time.sleep(max(0.0, self.seconds - (time.monotonic() - self.begin)))
        self.server.signal(signal.SIGCONT)


def state_of(pid):
    """The letter of /proc for a process: R, S, T, ..."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def counter(server, name):
    """One counter of /server-status?json."""
    with server.client() as client:
        return json.loads(client.ask(get("/server-status?json")).body)["report"]["counters"][name]


def take_what_is_there(client):
    """Reads until nothing comes for a moment."""
    while select.select([client.sock], [], [], 0.05)[0] and not client.eof:
        client.fill()


def sends_in_sessions(world):
    """Has the wiring w and no W? Then the thread that makes an answer blocks in its own send."""
    wiring = config_of(world)["wiring"]
    return "w" in wiring and "W" not in wiring


# --- deadlines ---------------------------------------------------------------------------------

@case("a request that came before the keep-alive timeout is answered, however late it is read", late=0.5)
def kept_in_time(world):
    """A connection that has had a request, and one that has had none."""
    with start(world, *TIMEOUTS) as server, server.client() as kept, server.client() as fresh:
        hello(server, kept)
        fresh.send(b"G")  # with --defer-accept the kernel keeps a silent one to itself
        with Stopped(server, TIMEOUT * 1.5):
            kept.send(FAST)
            fresh.send(FAST[1:])
        require(kept.read_response().body == HELLO, "another answer")
        require(fresh.read_response().body == HELLO, "another answer")


@case("a head and a body whose rest came before their timeout are answered, however late it is read", late=0.5)
def rest_in_time(world):
    """Both are begun before the server stops."""
    with start(world, *TIMEOUTS) as server, server.client() as half, server.client() as body:
        half.send(FAST[:20])
        body.send(request("POST", "/synthetic/echo", "Content-Length: 6", body=b"abc"))
        hello(server)
        with Stopped(server, TIMEOUT * 1.5):
            half.send(FAST[20:])
            body.send(b"def")
        require(half.read_response().body == HELLO, "another answer")
        require(body.read_response().body == b"abcdef", "another body")


@case("a download whose client made room before the I/O timeout goes on, however late it is sent", late=0.5)
def room_in_time(world):
    """The client takes all that the kernel holds while the server stands still."""
    with start(world, *TIMEOUTS) as server:
        with server.client(receive_buffer=65536) as client:
            client.send(get("/synthetic/bytes?n=20000000"))
            eventually(lambda: counter(server, "WOULD_BLOCK") > 0, "the socket is full")
            with Stopped(server, TIMEOUT * 1.5):
                take_what_is_there(client)
            require(len(client.read_response().body) == 20_000_000, "it was cut")


@case("a head that drips is ended by the header timeout, however often the server was late")
def drip_is_late(world):
    """A byte is there whenever the server looks: one more read is all that it gets."""
    with start(world, *TIMEOUTS) as server, server.client() as client:
        client.send(b"GET /hello.txt HTTP/1.1\r\nHost: t\r\nX: ")
        hello(server)
        end = time.monotonic() + scaled(TIMEOUT * 6)
        while not client.eof and not client.buffer:
            require(time.monotonic() < end, "it drips for ever")
            client.send(b"y")
            if client.send_failed or not client.quiet_for(0.004):
                client.fill()
        if client.buffer:
            require(client.read_response().status == 408, "another status")


@case("a head that follows another on its connection has a header timeout of its own", late=0.5)
def head_of_its_own(world):
    """The first head takes two thirds of the timeout, and so does the second."""
    with start(world, "--header-timeout", "3s", "--keepalive-timeout", "1h") as server:
        with server.client() as client:
            client.send(FAST[:20])
            require(client.quiet_for(2.0), "the first head was not waited for")
            client.send(FAST[20:] + FAST[:20])
            require(client.read_response().body == HELLO, "another answer")
            begin = time.monotonic()
            quiet = client.quiet_for(2.0)
            if time.monotonic() - begin > 2.5:
                return  # this client had no CPU: whatever came says nothing
            require(quiet, "the second head was ended within two thirds of the timeout")
            client.send(FAST[20:])
            require(client.read_response().body == HELLO, "another answer to the second")


# --- draining ----------------------------------------------------------------------------------

def drain_and_count(server, kept, fresh, allowed):
    """All have sent when the server learns that it is to end."""
    for client in kept:
        hello(server, client)
    with Stopped(server, 0):
        clients = kept + [server.client() for _ in range(fresh)]
        for client in clients:
            client.send(FAST)
        server.signal(signal.SIGTERM)
    lost, example = 0, ""
    for client in clients:
        try:
            require(client.read_response().status in allowed, "another status")
            client.expect_end()
        except CaseFailed as failure:
            lost += 1
            example = f"{failure} ({'kept' if client in kept else 'new'})"
    require(lost == 0, f"{lost} of {len(clients)} were not answered: {example}")
    require(server.wait(12) == 0, "it does not end")


@case("draining answers every request that is there already: new connections and kept ones")
def drain_answers(world):
    """Both kinds."""
    with start(world) as server:
        drain_and_count(server, [server.client() for _ in range(40)], 150, (200,))


@case("draining answers new connections behind a full queue, too")
def drain_behind_full_queue(world):
    """They wait where the listener has put them; a model that rejects says so."""
    allowed = (200, 503) if overload_of(world) == "reject" else (200,)
    with start(world, "--queue-size", "4") as server:
        drain_and_count(server, [], 80, allowed)


# --- back-pressure -----------------------------------------------------------------------------

@case("clients that take nothing of an answer with pauses are made no more than --output-highwater")
def highwater_behind_a_pause(world):
    """The handler of each waits for room, whatever pauses it makes of its own; in a session that sends
    itself it waits for the socket."""
    count, wait = 6, "WOULD_BLOCK" if sends_in_sessions(world) else "ROOM_WAITS"
    with start(world, "--output-highwater", "64K", "--drain-timeout", "300ms") as server:
        stuck = [server.client(receive_buffer=4096) for _ in range(count)]
        for client in stuck:
            client.send(get("/synthetic/stream?chunks=100000&size=65536&ms=1"))
        eventually(lambda: counter(server, wait) >= count, "the handler of each waits")
        for client in stuck:
            client.abort()


@case("a connection that is to be closed ends as soon as its client does")
def ends_with_its_client(world):
    """Also one whose write had to wait, and so moved to the loop of the writer. Who then waits for the client's end must
    see it: --linger-timeout is far away."""
    count = 4
    with start(world, "--linger-timeout", "30s") as server:
        for nth in range(count):
            with server.client(receive_buffer=4096) as client:
                if nth % 2:
                    client.send(get("/synthetic/bytes?n=4000000"))
                    eventually(lambda: counter(server, "WOULD_BLOCK") > 0, "the socket is full")
                    require(len(client.read_response().body) == 4_000_000, "not the whole answer")
                require(client.ask(get("/hello.txt", "Connection: close")).says_close(), "it does not say close")
                time.sleep(0.1)  # the server reads once a moment later, and only then watches
        eventually(lambda: counter(server, "CLOSED") >= count, "all connections are closed")
