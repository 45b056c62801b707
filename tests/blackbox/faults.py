"""Faults: slow, silent, vanishing and overwhelming clients, limits, signals, stopping.

Each case starts a server of its own with the flags it is about. Where a case waits for something
not to happen, or measures a rate, the time is part of what it says; else it polls.
"""

import os
import contextlib
import signal
import socket
import tempfile
import threading
import time

import harness
from docroot import HELLO
from harness import CaseFailed, eventually, scaled
from lateness import Stopwatch
from servers import (FAST, HUGE, answers, back_to, hammer, hello, log_lines, open_now, overload_of, quick,
                     refused_now, settle, start)
from table import Table, get, head, post, request, require

table = Table("faults", args=("own",))
case = table.case

def closed_after(client, least, most, allowed_status=None):
    """The server ends the connection in that time, with at most one answer of the allowed status. Its clock
    started after client.began, and before this call."""
    watch = Stopwatch()
    client.timeout = most + 2
    while not client.eof:
        client.fill()
    took, awake = time.monotonic() - client.began, watch.awake()
    if client.buffer:
        response = client.read_response()
        require(allowed_status and response.status == allowed_status,
                f"answered with {response.status}")
        require(response.says_close(), "the answer does not say close")
        require(not client.buffer, "bytes behind the answer")
    require(took >= least, f"closed after {took * 1000:.0f} ms, before its time")
    require(awake <= scaled(most), f"closed only after {awake * 1000:.0f} ms")


# --- timeouts ----------------------------------------------------------------------------------

@case("half a head is ended by the header timeout, with 408 or silence")
def header_timeout(world):
    """Not before its time, and not much later."""
    with start(world, "--header-timeout", "300ms") as server, server.client() as client:
        client.send(b"GET /hello.txt HTTP/1.1\r\nHost: t\r\n")
        closed_after(client, 0.25, 2, 408)
        hello(server)


@case("a head that drips in is ended by the header timeout all the same")
def header_drip(world):
    """The timeout is for the whole head, not for each byte."""
    with start(world, "--header-timeout", "400ms") as server, server.client() as client:
        watch = Stopwatch()
        for i in range(200):
            client.send(b"G" if i == 0 else b"ET / HTTP/1.1\r\nX: " if i == 1 else b"y")
            if client.send_failed or not client.quiet_for(0.03):
                break
        took, awake = time.monotonic() - client.began, watch.awake()
        require(0.3 <= took and awake <= scaled(2.5), f"ended after {took * 1000:.0f} ms")


@case("a connection that never says a word is ended")
def silent(world):
    """Accepting starts the header timeout (or the keep-alive timeout, whichever a model has)."""
    with start(world, "--header-timeout", "300ms", "--keepalive-timeout", "300ms") as server:
        with server.client() as client:
            closed_after(client, 0.25, 2, 408)


@case("a body that stops is ended by the body timeout, with 408 or silence")
def body_timeout(world):
    """Both kinds of body."""
    with start(world, "--body-timeout", "300ms") as server:
        for start_of_body in (
                request("POST", "/synthetic/echo", "Content-Length: 10", body=b"abc"),
                request("POST", "/synthetic/echo", "Transfer-Encoding: chunked", body=b"5\r\nab")):
            with server.client() as client:
                client.send(start_of_body)
                closed_after(client, 0.25, 2, 408)
        hello(server)


@case("a slow but steady body is not ended by the body timeout", late=0.3)
def body_drip(world):
    """The timeout is between two reads; together the body takes longer than it."""
    with start(world, "--body-timeout", "600ms", "--header-timeout", "600ms") as server:
        with server.client() as client:
            client.send(request("POST", "/synthetic/echo", "Content-Length: 10"))
            for i in range(10):
                require(client.quiet_for(0.09), "answered or ended before the body was whole")
                client.send(b"%d" % i)
            require(client.read_response().body == b"0123456789", "another body")


@case("an idle connection is closed after the keep-alive timeout, not before, without a word")
def keepalive_timeout(world):
    """The client sees the end of the stream, not a reset."""
    with start(world, "--keepalive-timeout", "500ms") as server:
        with server.client() as client:
            hello(server, client)
            closed_after(client, 0.42, 2.5)
            require(not client.reset, "reset instead of closed")


@case("a request renews the keep-alive timeout", late=0.1)
def keepalive_renewed(world):
    """Used every 200 ms it outlives 500 ms by far."""
    with start(world, "--keepalive-timeout", "500ms") as server:
        with server.client() as client:
            for _ in range(6):
                hello(server, client)
                require(client.quiet_for(0.2), "closed although in use")
            hello(server, client)


@case("a client that takes nothing is cut by the I/O timeout and disturbs nobody meanwhile", True)
def io_timeout(world):
    """Seen by its descriptor; other requests go on all the time."""
    with start(world, "--io-timeout", "500ms") as server, server.client() as other:
        hello(server, other)
        baseline = settle(server)
        stuck = server.client(receive_buffer=4096)
        stuck.send(HUGE)
        eventually(lambda: server.descriptors() > baseline, "it is accepted")
        cut_at, watch = None, Stopwatch()
        while cut_at is None and watch.awake() < scaled(6):
            quick(server, 0.3, "beside a client that takes nothing", client=other)
            if server.descriptors() <= baseline:
                cut_at = time.monotonic() - stuck.began
        require(cut_at is not None, "not cut")
        require(cut_at >= 0.4, f"cut after {cut_at * 1000:.0f} ms")
        require(stuck.drain() < 50_000_000, "it got everything")
        stuck.close()


@case("a slow client that takes something now and then is not cut by the I/O timeout", True,
      late=0.3)
def slow_reader(world):
    """Progress counts; the whole answer takes several timeouts. It takes enough at a time that the
    kernel calls the server's side writable well within each of them."""
    with start(world, "--io-timeout", "800ms") as server:
        with server.client(receive_buffer=262144) as client:
            client.send(get("/synthetic/bytes?n=20000000"))
            begin = time.monotonic()
            while time.monotonic() - begin < 2.4 and client.total_received < 18_000_000:
                time.sleep(0.03)
                client.fill()
            response = client.read_response()
            require(len(response.body) == 20_000_000, f"{len(response.body)} bytes")


@case("many clients that take nothing leave the server free for others", True)
def many_stuck(world):
    """50 stuck downloads of files and generated bytes; fast requests stay fast."""
    with start(world, "--io-timeout", "30s", "--drain-timeout", "300ms") as server:
        stuck = [server.client(receive_buffer=4096) for _ in range(50)]
        for i, client in enumerate(stuck):
            client.send(HUGE if i % 2 else get("/large.bin"))
        quick(server, 0.5, "beside stuck clients", 100)
        for client in stuck:
            client.abort()


@case("a client that sends a byte at a time is served while 200 others pass it", True)
def slow_sender(world):
    """No thread is occupied by half a request, or there are threads enough."""
    with start(world) as server, server.client() as slow:
        for byte in get("/hello.txt", "X-Slow: yes"):
            slow.send(bytes([byte]))
            for _ in range(4):
                hello(server)
            time.sleep(0.002)
        require(slow.read_response().body == HELLO, "the slow one got another answer")


# --- limits ------------------------------------------------------------------------------------

@case("--keepalive-requests 3 closes with the third answer")
def keepalive_requests(world):
    """And says so."""
    with start(world, "--keepalive-requests", "3") as server:
        for together in (False, True):
            with server.client() as client:
                if together:
                    client.send(FAST * 6)
                for nth in (1, 2, 3):
                    if not together:
                        client.send(FAST)
                    response = client.read_response()
                    require(response.says_close() == (nth == 3),
                            f"answer {nth}: Connection is {response.get('Connection')}")
                client.expect_end()


@case("--max-connections 5: the sixth waits for one to close, is turned away, or makes one close")
def max_connections(world):
    """As the model's policy says; never reset."""
    sixth_fares = {"wait": sixth_waits, "reject": sixth_is_rejected, "reap": sixth_reaps}
    with start(world, "--max-connections", "5", "--keepalive-timeout", "1h",
               "--header-timeout", "1h") as server:
        baseline = settle(server)
        for _ in range(3):
            clients = [server.client() for _ in range(5)]
            for client in clients:
                hello(server, client)
            with server.client() as sixth:
                sixth.send(FAST)
                sixth_fares[overload_of(world)](server, clients, sixth)
            for client in clients:
                client.close()
            eventually(lambda: answers(server), "new connections are served")
            back_to(server, baseline)  # all five places are free


def sixth_waits(server, clients, sixth):
    """--overload wait: until the first has gone."""
    require(sixth.quiet_for(0.25), "the sixth was served, or ended, at once")
    for client in clients[1:]:
        hello(server, client)
    clients[0].close()
    require(sixth.read_response().body == HELLO, "the sixth got another answer")
    for client in clients[1:]:
        hello(server, client)


def sixth_is_rejected(server, clients, sixth):
    """--overload reject: the others do not notice."""
    require(sixth.read_response().status == 503, "the sixth got another answer")
    sixth.expect_end()
    for client in clients:
        hello(server, client)


def sixth_reaps(_, clients, sixth):
    """--overload reap: one of the idle ones ends."""
    require(sixth.read_response().body == HELLO, "the sixth got another answer")
    eventually(lambda: sum(not client.quiet_for(0) for client in clients) == 1, "one has ended")


@case("--max-connections 5: 100 clients in a row and 40 at once are all answered")
def max_connections_queue(world):
    """Those above the limit wait in the kernel's queue; where they are turned away, with a 503."""
    allowed = (200, 503) if overload_of(world) == "reject" else (200,)
    with start(world, "--max-connections", "5") as server:
        failures = []

        def one():
            try:
                for _ in range(5):
                    with server.client() as client:
                        status = client.ask(FAST).status
                        require(status in allowed, f"status {status}")
            except (CaseFailed, OSError) as failure:
                failures.append(str(failure))

        threads = [threading.Thread(target=one) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        require(not failures, f"{len(failures)} of 40 failed: {failures[:1]}")


@case("300 idle connections do not slow requests down, and all still work afterwards", True)
def idle_crowd(world):
    """Each has had a request; they occupy no thread, or there are threads enough."""
    with start(world, "--keepalive-timeout", "120s", "--header-timeout", "120s") as server:
        crowd = [server.client() for _ in range(300)]
        for client in crowd:
            hello(server, client)
        watch = Stopwatch(server)
        for _ in range(300):
            hello(server)
        took = watch.awake()
        require(took < scaled(3), f"300 requests took {took:.1f} s")
        for client in crowd:
            client.send(FAST)
        for client in crowd:
            require(client.read_response().body == HELLO, "an idle connection has died")
        for client in crowd:
            client.close()


@case("without descriptors the server survives, serves those it has, and rests", True)
def out_of_descriptors(world):
    """With more connections allowed than descriptors: accept fails, and must not be tried in a
    busy loop. With the default limit the same crowd must do no harm either. Sessions need no
    descriptors for their bells where these are condition variables."""
    for args in ((), ("--max-connections", "500")):
        with start(world, *args, "--doorbell", "condvar", "--keepalive-timeout", "1h", "--header-timeout", "1h",
                   nofile=96) as server:
            crowd = [server.client() for _ in range(150)]
            for client in crowd:
                client.send(FAST)
            eventually(lambda: sum(not client.quiet_for(0) for client in crowd) >= 10,
                       "10 of 150 connections are served")
            watch, before = Stopwatch(), server.cpu_seconds()
            time.sleep(0.5)
            busy = (server.cpu_seconds() - before) / watch.seconds()
            require(server.alive(), "the server died")
            require(busy < 0.5, f"{busy * 100:.0f}% CPU while it can do nothing")
            for client in crowd:
                client.close()
            eventually(lambda: answers(server), "new connections are served again")


# --- clients that vanish -----------------------------------------------------------------------

def reset_at_stages(server, rounds):
    """Resets after connecting, inside a head, inside a body, after a request, inside an answer."""
    whole = get("/hello.txt")
    for i in range(rounds):
        client = server.client()
        client.abort()
        client = server.client()
        client.send(whole[:1 + i % (len(whole) - 1)])
        client.abort()
        client = server.client()
        client.send(request("POST", "/synthetic/echo", "Content-Length: 1000", body=b"x" * (i % 999)))
        client.abort()
        client = server.client()
        client.send(whole)
        client.abort()
        client = server.client()
        client.send(whole * 20)
        client.abort()
        client = server.client(receive_buffer=8192)
        client.send(get("/large.bin") if i % 2 else HUGE)
        client.fill()
        client.abort()
        client = server.client()
        client.send(get("/synthetic/sleep?ms=2"))
        client.abort()
        client = server.client()
        client.send(get("/synthetic/stream?chunks=3&size=10&ms=2"))
        client.abort()
        with server.client() as client:
            client.ask(whole)
            client.abort()


@case("hundreds of resets at every stage leave the server sound, its descriptors closed")
def resets(world):
    """900 connections, each dying in another place."""
    with start(world) as server:
        baseline = settle(server)
        reset_at_stages(server, 100 if harness.timeout_scale <= 1 else 30)
        hello(server)
        back_to(server, baseline)


@case("a client that half-closes and then vanishes leaves nothing behind")
def half_closed_and_gone(world):
    """The answer goes nowhere."""
    with start(world) as server:
        baseline = settle(server)
        for target in ("/hello.txt", "/large.bin", "/synthetic/sleep?ms=5"):
            for _ in range(20):
                client = server.client()
                client.send(get(target))
                client.shutdown()
                client.close()
        hello(server)
        back_to(server, baseline)


@case("5,000 connections leave no descriptor and no memory behind", True)
def no_leak(world):
    """Memory is compared after the first thousand, when pools have their size."""
    with start(world) as server:
        baseline = settle(server)
        light = harness.timeout_scale <= 1
        for _ in range(1000 if light else 200):
            hello(server)
        memory = server.resident_kb()
        for i in range(4000 if light else 300):
            with server.client() as client:
                client.send(FAST if i % 3 else post("/synthetic/echo", b"x" * 3000))
                if i % 7:
                    client.read_response()
        hello(server)
        back_to(server, baseline)
        grown = server.resident_kb() - memory
        require(not light or grown < 10_000, f"memory grew by {grown} kB")


@case("descriptors of kept connections are closed when their clients leave")
def kept_leave(world):
    """200 idle connections, closed all at once."""
    with start(world, "--keepalive-timeout", "1h") as server:
        baseline = settle(server)
        crowd = [server.client() for _ in range(200)]
        for client in crowd:
            hello(server, client)
        now = server.descriptors()
        require(now >= baseline + 200, f"of {baseline + 200} {now} are open: {open_now(server)}")
        for client in crowd:
            client.close()
        back_to(server, baseline)


# --- lingering close ---------------------------------------------------------------------------

@case("a refused upload reads its whole answer although it keeps sending", True)
def linger(world):
    """Without a lingering close the kernel answers the unread bytes with a RST, which destroys the
    413 in the client's receive buffer."""
    with start(world, "--max-body-size", "64K") as server:
        for _ in range(20):
            with server.client() as client:
                client.send(request("POST", "/synthetic/echo", "Content-Length: 500000000"))
                for _ in range(30):
                    client.send(b"x" * 20000)
                response = client.read_response()
                require(response.status == 413, f"status {response.status}")


@case("a client that sends for ever behind a refusal is cut")
def linger_bounded(world):
    """By time or by bytes; its descriptor is closed."""
    with start(world, "--max-body-size", "64K", "--linger-timeout", "700ms") as server:
        baseline = settle(server)
        with server.client() as client:
            client.send(request("POST", "/synthetic/echo", "Content-Length: 500000000"))
            watch = Stopwatch()
            while not client.send_failed and watch.awake() < scaled(6):
                client.send(b"x" * 10000)
            require(client.send_failed, "it may send for ever")
            back_to(server, baseline)


@case("a client that stays behind a refusal and says nothing is let go")
def linger_timeout(world):
    """It neither sends nor closes."""
    with start(world, "--linger-timeout", "300ms") as server:
        baseline = settle(server)
        with server.client() as client:
            require(client.ask(get("/hello.txt", host=None)).status == 400, "not refused")
            client.expect_end()
            back_to(server, baseline)
        hello(server)


# --- stopping ----------------------------------------------------------------------------------

@case("SIGTERM under load: each answer that was begun is complete", True)
def stop_under_load(world):
    """32 clients of six kinds; the exit code is checked by the server's own end."""
    for _ in range(3):
        with start(world) as server:
            hammers = hammer(server, 32)
            server.signal(signal.SIGTERM)
            code = server.wait(12)
            require(code is not None, "still running 12 s after SIGTERM")
            for one in hammers:
                one.thread.join(scaled(12))
            problems = [one.problem for one in hammers if one.problem]
            require(not problems, f"{len(problems)} of 32 clients: {problems[:1]}")
            require(not server.stdout().splitlines()[1:], f"stdout has {server.stdout()!r}")


@case("SIGINT stops like SIGTERM")
def stop_by_interrupt(world):
    """Exit code 0."""
    with start(world) as server:
        hello(server)
        server.signal(signal.SIGINT)
        require(server.wait(5) == 0, f"exit code {server.process.returncode}")


@case("SIGTERM with idle connections stops at once and ends them properly")
def stop_idle(world):
    """Nothing is in flight, so nothing is waited for."""
    with start(world, "--keepalive-timeout", "1h", "--header-timeout", "1h") as server:
        crowd = [server.client() for _ in range(50)]
        for client in crowd[:40]:
            hello(server, client)
        watch = Stopwatch()
        server.signal(signal.SIGTERM)
        code = server.wait(8)
        took = watch.awake()
        require(code == 0, f"exit code {code}")
        require(took < scaled(3), f"took {took:.1f} s")
        for client in crowd[:40]:
            client.expect_end()
        for client in crowd:
            client.close()


@case("a request in flight at SIGTERM is answered with Connection: close", late=0.2)
def stop_in_flight(world):
    """A slow handler, a stream and a pipeline; new connections are refused meanwhile."""
    with start(world) as server:
        stream, slow = server.client(), server.client()
        stream.send(get("/synthetic/stream?chunks=4&size=10&ms=150"))
        stream.fill()
        slow.send(get("/synthetic/sleep?ms=500") + FAST)
        require(slow.quiet_for(0.05), "answered at once")
        server.signal(signal.SIGTERM)
        eventually(lambda: refused_now(server), "new connections are refused")
        response = slow.read_response()
        require(response.status == 200, f"status {response.status}")
        require(response.says_close(), "the slow answer does not say close")
        slow.expect_end(allow_reset=True)
        require(len(stream.read_response().body) == 40, "the stream is not whole")
        stream.expect_end()
        require(server.wait(5) == 0, f"exit code {server.process.returncode}")


@case("half a request at SIGTERM does not hold the server for ever")
def stop_half_request(world):
    """Within the drain time."""
    with start(world, "--drain-timeout", "500ms") as server:
        with server.client() as client:
            client.send(b"GET /hello.txt HTTP/1.1\r\n")
            hello(server)
            server.signal(signal.SIGTERM)
            require(server.wait(4) == 0, f"exit code {server.process.returncode}")


@case("a second SIGTERM ends a drain at once")
def stop_twice(world):
    """With a handler that would sleep for half a minute. That the drain has begun is read from
    stderr: where the handler blocks a thread that also listens, the socket closes only afterwards."""
    server = start(world, "--drain-timeout", "1h")
    try:
        with server.client() as client:
            client.send(get("/synthetic/sleep?ms=30000"))
            require(client.quiet_for(0.15), "answered at once")
            server.signal(signal.SIGTERM)
            eventually(lambda: "stopping" in server.stderr(), "it says that it stops")
            require(server.alive(), "it did not wait for the request in flight")
            server.signal(signal.SIGTERM)
            code = server.wait(10)
            require(code is not None, "still running 10 s after the second SIGTERM")
            require(code in (0, 1, 130, 143, -signal.SIGTERM), f"exit code {code}")
            require(not any(word in server.stderr() for word in harness.STDERR_BUGS),
                    f"stderr: {server.stderr()[-500:]}")
    finally:
        server.kill()


@case("a second SIGTERM cuts half a request that the reader had not yet looked at", late=0.3)
def stop_twice_unread(world):
    """The reader is busy with an input filter while heads arrive and the signals come: it adopts those clients only
    when the phase has changed already."""
    server = start(world, "--batch", "1", "--header-timeout", "1h", "--drain-timeout", "1h")
    try:
        with contextlib.ExitStack() as stack:
            busy = stack.enter_context(server.client())
            busy.send(get("/synthetic/input?us=1000000&how=sleep"))
            require(busy.quiet_for(0.15), "answered at once")
            for _ in range(3):
                stack.enter_context(server.client()).send(b"GET /x")
            server.signal(signal.SIGTERM)
            eventually(lambda: "stopping" in server.stderr(), "it says that it stops")
            server.signal(signal.SIGTERM)
            require(server.wait(5) == 0, "still running 5 s after the second SIGTERM")
    finally:
        server.kill()


@case("a client that takes nothing does not hold a stop beyond --drain-timeout")
def stop_slow_reader(world):
    """Exit code 0 all the same."""
    with start(world, "--drain-timeout", "500ms", "--io-timeout", "1h") as server:
        with server.client(receive_buffer=4096) as client:
            client.send(HUGE)
            client.fill()
            begin = time.monotonic()
            server.signal(signal.SIGTERM)
            code = server.wait(4)
            took = time.monotonic() - begin
            require(code == 0, f"exit code {code}")
            require(took >= 0.4, f"cut after {took * 1000:.0f} ms")


@case("a handler that sleeps does not hold a stop beyond --drain-timeout")
def stop_sleeping_handler(world):
    """The handler is woken."""
    with start(world, "--drain-timeout", "500ms") as server:
        with server.client() as client:
            client.send(get("/synthetic/sleep?ms=30000"))
            require(client.quiet_for(0.1), "answered at once")
            server.signal(signal.SIGTERM)
            code = server.wait(4)
            require(code == 0, f"exit code {code}")


@case("a stop right after the start is clean")
def stop_at_once(world):
    """No request at all."""
    for _ in range(5):
        with start(world):
            pass


@case("a port is free again after a stop with connections open")
def port_is_free(world):
    """The next server may take the same port at once."""
    with start(world) as server:
        client = server.client()
        hello(server, client)
        port = server.address[1]
    client.close()
    with start(world, listen=(f"127.0.0.1:{port}",)) as server:
        hello(server)


# --- logs and reports --------------------------------------------------------------------------

@case("the access log has one line a request, with the bytes the client received")
def access_log(world):
    """Either body bytes or all bytes, but the same for all lines."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        got = []
        with start(world, "--access-log", path) as server:
            with server.client() as client:
                for i in range(100):
                    text = get(f"/synthetic/bytes?n={i * 10}", f"User-Agent: agent {i}")
                    response = client.ask(text)
                    got.append((f"GET /synthetic/bytes?n={i * 10} HTTP/1.1", "200",
                                len(response.body), response.wire_len))
                for text, method, line in (
                        (FAST, "GET", "GET /hello.txt HTTP/1.1"),
                        (head("/hello.txt"), "HEAD", "HEAD /hello.txt HTTP/1.1"),
                        (get("/nothing"), "GET", "GET /nothing HTTP/1.1"),
                        (get("/hello.txt", "If-None-Match: *"), "GET", "GET /hello.txt HTTP/1.1"),
                        (get("/synthetic/stream?chunks=2&size=50&ms=1"), "GET",
                         "GET /synthetic/stream?chunks=2&size=50&ms=1 HTTP/1.1"),
                        (post("/synthetic/echo", b"abc"), "GET", "POST /synthetic/echo HTTP/1.1")):
                    response = client.ask(text, method)
                    got.append((line, str(response.status), len(response.body),
                                response.wire_len))
        lines = log_lines(path)
        lines.sort()  # requests of one connection may be written by several threads
        got.sort()
        require([line[:2] for line in lines] == [entry[:2] for entry in got],
                f"{len(lines)} lines for {len(got)} requests, or others")
        bodies = [line[2] for line in lines if "stream" not in line[0]] == [
            entry[2] for entry in got if "stream" not in entry[0]]
        everything = [line[2] for line in lines] == [entry[3] for entry in got]
        require(bodies or everything, "the byte counts are neither body bytes nor all bytes")


@case("a log line is written as soon as its thread has nothing else to do")
def access_log_prompt(world):
    """Although the connection stays open, and the buffer is far from full."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        with start(world, "--access-log", path, "--keepalive-timeout", "1h") as server:
            with server.client() as client:
                for nth in (1, 2, 3):
                    hello(server, client)
                    eventually(lambda n=nth: len(log_lines(path)) == n, f"line {nth} comes")


@case("an aborted client is logged with no more bytes than the answer has")
def access_log_aborted(world):
    """What the kernel took is known exactly; what arrived is at most that."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        with start(world, "--access-log", path) as server:
            baseline = settle(server)
            client = server.client(receive_buffer=8192)
            client.send(HUGE)
            client.fill()
            received = client.total_received
            client.abort()
            back_to(server, baseline)
        lines = [line for line in log_lines(path) if "n=50000000" in line[0]]
        require(len(lines) == 1, f"{len(lines)} lines for it")
        require(received - 2000 <= lines[0][2] < 50_001_000, f"{lines[0][2]} bytes logged, "
                f"{received} received")


@case("what clients write into their requests cannot break a log line")
def access_log_escaped(world):
    """Quotes, backslashes, bytes over 0x7f, and requests that are no requests."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        texts = [get("/hello.txt", 'User-Agent: "quoted" \\ back\\" \xff'),
                 get("/hello.txt", 'Referer: " 200 1 "-" "x'), get('/"quoted"'),
                 b"\x16\x03\x01\r\n\r\n", b"GET /a\rb HTTP/1.1\r\n\r\n", b'"" "" ""\r\n\r\n',
                 get("/" + "l" * 9000), get("/hello.txt", "User-Agent: " + "u" * 9000)]
        with start(world, "--access-log", path) as server:
            for text in texts:
                with server.client() as client:
                    client.ask(text)
        lines = log_lines(path)
        require(len(lines) == len(texts), f"{len(lines)} lines for {len(texts)} requests")


@case("SIGHUP reopens the access log and no line is lost", True)
def log_rotation(world):
    """Rotated three times while four clients ask."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        path = os.path.join(folder, "access.log")
        counts = [0] * 4
        stop = threading.Event()
        with start(world, "--access-log", path) as server:

            def ask(slot):
                with server.client() as client:
                    while not stop.is_set():
                        hello(server, client)
                        counts[slot] += 1

            threads = [threading.Thread(target=ask, args=(slot,)) for slot in range(4)]
            for thread in threads:
                thread.start()
            try:
                for nth in range(3):
                    eventually(lambda: os.path.exists(path) and os.path.getsize(path) > 0,
                               f"lines come after {nth} rotations")
                    os.rename(path, f"{path}.{nth}")
                    server.signal(signal.SIGHUP)
                eventually(lambda: os.path.exists(path) and os.path.getsize(path) > 0,
                           "the new file has lines")
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
        lines = log_lines(path, *[f"{path}.{nth}" for nth in range(3)])
        require(len(lines) == sum(counts), f"{len(lines)} lines for {sum(counts)} requests")


@case("SIGUSR1 prints the stage table on stderr, and the server goes on")
def usr1(world):
    """Several times, also under load."""
    with start(world) as server:
        for nth in (1, 2, 3):
            for _ in range(50):
                hello(server)
            server.signal(signal.SIGUSR1)
            eventually(lambda n=nth: server.stderr().count("process.wait") >= n,
                       "the table comes")
            eventually(lambda n=nth: server.stderr().count("\nverdict  ") >= n,
                       "the verdict comes")
        hello(server)


@case("signals that logs and reports use do no harm while requests run", True)
def signals_under_load(world):
    """SIGHUP and SIGUSR1 without a log file, many times."""
    with start(world) as server:
        hammers = hammer(server, 6)
        for _ in range(30):
            server.signal(signal.SIGHUP)
            server.signal(signal.SIGUSR1)
            hello(server)
        server.signal(signal.SIGTERM)
        server.wait(12)
        for one in hammers:
            one.thread.join(scaled(12))
        problems = [one.problem for one in hammers if one.problem]
        require(not problems, f"clients: {problems[:1]}")


@case("more sleeping handlers than threads are all answered")
def handlers_in_turn(world):
    """More sleeping handlers than threads: later ones wait, all are answered."""
    with start(world, "--header-timeout", "1h") as server:
        clients = [server.client() for _ in range(40)]
        for client in clients:
            client.send(get("/synthetic/sleep?ms=20"))
        for client in clients:
            require(client.read_response().status == 200, "not answered")
            client.close()


@case("a storm of connections that say nothing does no harm")
def connect_storm(world):
    """500 connections opened at once and closed without a word."""
    with start(world) as server:
        baseline = settle(server)
        crowd = []
        for _ in range(500):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(server.address)
            crowd.append(sock)
        for sock in crowd:
            sock.close()
        hello(server)
        back_to(server, baseline)
