"""Faults around sessions: requests that are under way while every session waits for an idle client.

Each case starts its servers itself, with few sessions, and belongs to the area of sources.py.
"""

import select
import time

import harness
from docroot import HELLO
from harness import eventually, scaled
from servers import FAST, settle, start
from sources import HALF, PATIENT, asleep, holding, kept, queue
from table import Table, get, require

table = Table("sources", args=("own",))
case = table.case

# Far below the timeouts of idle clients, far above what the work takes on a busy machine.
SOON_SECONDS = 15

# Pools whose sessions wait for idle clients, send, and run handlers. With reap each open connection has
# a session of its own, so none waits there.
POOLS = (("--wiring", "L | rpw*2"), ("--model", "acceptor", "--sessions", "2"),
         ("--model", "worker-stack", "--sessions", "2"),
         ("--wiring", "L | rpw*2", "--spawn", "on-demand", "--min-threads", "1"))


def soon(flags, client, body):
    """The answer comes, and it comes while the idle clients stay."""
    begin = time.monotonic()
    response = client.read_response()
    took = time.monotonic() - begin
    require(response.body == body, f"{flags}: got {response.body[:80]!r}")
    require(took < scaled(SOON_SECONDS), f"{flags}: the answer took {took:.1f} s")


def kept_when_free(server):
    """An idle connection that has had an answer; where the model turns away while no session is free,
    as soon as one is."""
    def one():
        client = server.client()
        if client.ask(FAST).status == 200:
            return client
        client.close()
        return None
    return eventually(one, "a session is free")


def served_in_the_end(flags, idle):
    """Clients that a session left are open still, and have their turn when one closes."""
    for client in idle:
        client.send(FAST)
    while idle:
        ready, _, _ = select.select([client.sock for client in idle], [], [], scaled(SOON_SECONDS))
        require(ready, f"{flags}: an idle client is not served")
        client = next(client for client in idle if client.sock in ready)
        require(client.read_response().body == HELLO, f"{flags}: another answer")
        client.close()
        idle.remove(client)


# --- who makes the answer, or reads the request, is elsewhere -----------------------------------

@case("an answer that another thread completes does not wait behind idle clients")
def completed_elsewhere(world):
    """The session that ran the handler has another client when the answer is complete."""
    for flags in POOLS:
        with start(world, *flags, *PATIENT) as server, server.client() as client:
            idle = kept(server, 1)
            client.send(get("/synthetic/async?ms=600"))
            idle.append(kept_when_free(server))
            soon(flags, client, b"completed after 600 ms\n")
            client.close()
            served_in_the_end(flags, idle)


@case("an answer does not wait when the session that was recalled for it blocks for another client")
def ring_is_passed_on(world):
    """A new client is before the answer in the queue, and stops inside its head."""
    flags = ("--wiring", "L | rpw*3")
    with start(world, *flags, *PATIENT) as server, server.client() as client:
        idle = kept(server, 2)
        client.send(get("/synthetic/async?ms=1500"))
        idle.append(kept_when_free(server))
        with server.client() as half:
            half.send(HALF)
            soon(flags, client, b"completed after 1500 ms\n")


@case("the first answer that another thread completes does not wait behind an idle client either")
def first_completed(world):
    """Its session waited for that client in recv before there was anything to hear."""
    flags = ("--wiring", "L | rpw*2")
    with start(world, *flags, *PATIENT) as server, server.client() as client:
        kept(server, 1)
        client.send(get("/synthetic/async?ms=600"))
        with server.client() as half:
            half.send(HALF)
            soon(flags, client, b"completed after 600 ms\n")


@case("an answer that a handler completes before it goes on does not wait behind a client that got a file")
def completed_by_its_handler(world):
    """The session of that client polls before anything is expected, so it must hear the first ring."""
    for flags in POOLS[:3]:
        with start(world, *flags, *PATIENT) as server:
            idle = [server.client()]
            require(idle[0].ask(get("/large.bin")).status == 200, f"{flags}: no file")
            with server.client() as client:
                client.send(get("/synthetic/async?ms=0&after=60000"))
                soon(flags, client, b"completed after 0 ms\n")
            served_in_the_end(flags, idle)


@case("many answers that others complete do not wait behind idle clients, and none of these is lost")
def many_completed_elsewhere(world):
    """Each client asks, and is idle until all have their answers."""
    flags = ("--wiring", "L | rpw*2")
    with start(world, *flags, *PATIENT) as server:
        clients = [server.client() for _ in range(40)]
        for nth, client in enumerate(clients):
            client.send(get(f"/synthetic/async?ms={nth % 7 * 10}"))
        for nth, client in enumerate(clients):
            soon(flags, client, f"completed after {nth % 7 * 10} ms\n".encode())
        served_in_the_end(flags, clients)


@case("a handler that waited for room goes on while every session waits for an idle client")
def room_behind_idle(world):
    """The writer gives the making end back to a pool whose threads poll no queue."""
    for wiring in ("L | rp*2 | w*2", "L | rp*2 | W", "L | rpw*2 | W"):
        flags = ("--wiring", wiring)
        with start(world, *flags, *PATIENT) as server, server.client() as client:
            idle = kept(server, 1)
            client.send(get("/synthetic/stream?chunks=400&size=60000&ms=0"))
            idle.append(kept_when_free(server))
            response = client.read_response()
            require(len(response.body) == 400 * 60000,
                    f"{flags}: {response.status}, {len(response.body)} bytes")
            client.close()
            served_in_the_end(flags, idle)


def behind_idle(world, wiring, pool, text, bodies, then=b""):
    """`text` is sent on a kept connection whose session takes a silent connection next. `then` is sent
    when a 100 has come."""
    flags = ("--wiring", wiring)
    with start(world, *flags, *PATIENT) as server:
        client = kept(server, 1)[0]
        idle = kept(server, 1)
        idle.append(server.client())
        eventually(lambda: queue(server, pool)[2] == 1, "the third connection waits in the queue")
        client.timeout = 30
        client.send(text)
        if then:
            require(client.read_response().status == 100, f"{flags}: no 100")
            client.send(then)
        for body in bodies:
            soon(flags, client, body)
        client.close()
        served_in_the_end(flags, idle)


@case("an answer that another pool makes does not wait behind a silent connection")
def made_elsewhere(world):
    """Every answer comes from outside there."""
    for wiring, pool in (("L | rw*2 | P*2", "rw"),):
        behind_idle(world, wiring, pool, get("/synthetic/sleep?ms=100"), [b"slept for 100 ms\n"])


@case("a body that was asked for with a 100 is read while sessions wait for idle clients")
def body_behind_idle(world):
    """The writer gives the connection back to the readers."""
    text = (b"POST /synthetic/echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
            b"Content-Length: 5\r\n\r\n")
    for wiring, pool in (("L | r*2 | P*2 | w*2", "r"), ("L | rp*2 | w*2", "rp"),
                         ("L | rp*2 | W", "rp")):
        behind_idle(world, wiring, pool, text, [b"12345"], b"12345")


@case("the next request of a pipeline does not wait behind a silent connection")
def pipeline_behind_idle(world):
    """It lies in the server's memory: its client has nothing more to send."""
    text = get("/synthetic/sleep?ms=100")
    for wiring, pool in (("L | r*2 | P*2 | w*2", "r"), ("L | rp*2 | w*2", "rp"),
                         ("L | rp*2 | W", "rp")):
        behind_idle(world, wiring, pool, text + text + FAST,
                    [b"slept for 100 ms\n", b"slept for 100 ms\n", HELLO])


# --- memory --------------------------------------------------------------------------------------

# A session that was used keeps its stack's pages and one exchange: about 20 KB.
USED_SESSION_KB = 48


@case("a thousand sessions that have all been busy keep little memory each")
def memory_of_used_sessions(world):
    """Half a request occupies a session in each of these models; then they all answer, and rest."""
    count = 1000
    for model in ("acceptor", "worker-stack", "conn-queue"):
        with start(world, "--model", model, "--sessions", str(count + 24), *PATIENT) as server:
            settle(server)
            before = server.resident_kb()
            clients = holding(server, HALF, count)
            for client in clients:
                client.send(b"\r\n\r\n")
            for client in clients:
                require(client.read_response().body == HELLO, f"{model}: another answer")
                client.close()
            eventually(lambda server=server: asleep(server), "all threads rest")
            grown = (server.resident_kb() - before) / count
            # A sanitizer's memory is its own matter.
            require(grown < USED_SESSION_KB or harness.timeout_scale > 1,
                    f"{model}: {grown:.0f} KB each")
