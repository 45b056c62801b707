"""Sources: what each threading model has from the server it is taken from, and shows from outside.

A model is a wiring and three policies, so nothing here is about code of a model's own: each case
starts a server with its --model (or --wiring) and checks what the wiring and the policies promise
together: who waits, where, for how long, who is closed, which threads there are.
"""

import csv
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

import harness
from docroot import HELLO
from faults import closed_after
from harness import PATIENCE_S, CaseFailed, Client, eventually, scaled
from lateness import Stopwatch
from load import until_still
from servers import FAST, HUGE, PRESETS, all_descriptors, answers, back_to, hello, quick, settle, start
from table import Table, get, request, require

table = Table("sources", args=("own",))
case = table.case

PATIENT = ("--keepalive-timeout", "1h", "--header-timeout", "1h", "--drain-timeout", "300ms")
HALF = b"GET /hello.txt HTTP/1.1\r\nHost: t"
MEGABYTE = get("/synthetic/bytes?n=1000000")


def sleep(ms):
    """A request whose handler blocks its thread."""
    return get(f"/synthetic/sleep?ms={ms}")


# --- observing a server ------------------------------------------------------------------------

def threads(server, prefix="q-"):
    """The names of its threads, sorted; those of the stages by default."""
    names = []
    for task in os.listdir(f"/proc/{server.pid}/task"):
        try:
            with open(f"/proc/{server.pid}/task/{task}/comm", encoding="utf-8") as file:
                names.append(file.read().strip())
        except OSError:
            continue  # it has ended meanwhile
    return sorted(name for name in names if name.startswith(prefix)
                  and name not in ("q-trace", "q-later"))


def has_threads(server, names):
    """Exactly these, once each has given itself its name."""
    try:
        eventually(lambda: threads(server) == names, "the threads have their names")
    except CaseFailed:
        raise CaseFailed(f"its threads are {threads(server)} instead of {names}") from None


def asleep(server):
    """Do all its threads sleep?"""
    for task in os.listdir(f"/proc/{server.pid}/task"):
        try:
            with open(f"/proc/{server.pid}/task/{task}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] != "S":
                    return False
        except OSError:
            return False
    return True


def figures(server, pattern):
    """The groups of `pattern` in the first report that has it."""
    def report():
        before = len(server.stderr())
        server.signal(signal.SIGUSR1)
        eventually(lambda: server.stderr().find("\ncounters", before) > 0, "a report comes")
        return re.search(pattern, server.stderr()[before:], re.M)
    return eventually(report, f"a report says {pattern!r}").groups()


def counter(server, text):
    """A counter of the report that is not 0."""
    return int(figures(server, rf"^ +(\d+)  {re.escape(text)}$")[0])


def queue(server, name):
    """(put, refused, depth, peak) of the queue before that group."""
    number = r" +(\d+)"
    found = figures(server, rf"^  {re.escape(name)}{number * 4} +\d+ +\d+ +[\d.]+( +\d+){{3}}$")[:4]
    return tuple(int(text) for text in found)


def in_kernel(server):
    """How many connections are established and not accepted: Recv-Q of the listening socket."""
    wanted = f"{server.address[1]:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(":" + wanted) and fields[3] == "0A":
                return int(fields[4].split(":")[1], 16)
    raise CaseFailed("it does not listen")


def trace_rows(world, path):
    """A dictionary a request."""
    program = os.path.join(os.path.dirname(world.program), "quartet-trace")
    done = subprocess.run([program, "--csv", path], capture_output=True, check=True,
                          timeout=scaled(PATIENCE_S))
    return list(csv.DictReader(done.stdout.decode().splitlines()))


def kept(server, count, address=None):
    """That many connections, each of which has had an answer and is idle now."""
    clients = []
    for _ in range(count):
        client = Client(address or server.address)
        hello(server, client)
        clients.append(client)
    return clients


def holding(server, text, count=1):
    """That many connections which have sent this and are not answered."""
    clients = [server.client() for _ in range(count)]
    for client in clients:
        client.send(text)
    require(clients[-1].quiet_for(0.05), "answered at once")
    return clients


def soon(server, what, beside=()):
    """A new connection is served without waiting for anybody: not for those that are not answered yet, if there
    are any, and not for a timer."""
    quick(server, 1, what)
    require(all(client.quiet_for(0) for client in beside), f"{what}: a request waited for others")


def close_all(clients):
    """Closes them."""
    for client in clients:
        client.close()


def turned_away(client):
    """It sends a request, and is turned away politely: the answer is whole and no reset follows."""
    client.send(FAST)
    response = client.read_response()
    require(response.status == 503, f"status {response.status}")
    require(response.says_close() and response.get("Retry-After"), f"fields {response.fields}")
    require(response.body, "no body")
    client.expect_end()


# --- what occupies a session, and what does not ---------------------------------------------------

def idle_is_free(model):
    """Cases: connections without a request occupy no session of this model."""
    @case(f"{model}: with one session, 50 idle connections are all served, again and again")
    def idle(world):
        with start(world, "--model", model, "--sessions", "1", *PATIENT) as server:
            crowd = kept(server, 50)
            for _ in range(2):
                for client in crowd:
                    hello(server, client)
            close_all(crowd)

    @case(f"{model}: with one session, 100 connections that never said a word hinder nobody")
    def mute(world):
        with start(world, "--model", model, "--sessions", "1", "--defer-accept", "off",
                   *PATIENT) as server:
            crowd = [server.client() for _ in range(100)]
            eventually(lambda: in_kernel(server) == 0, "all are accepted")
            soon(server, "beside silent connections")
            close_all(crowd)


def half_occupies(model):
    """A case: half a request occupies a session, which is what this model is weak at."""
    @case(f"{model}: half a request occupies the only session until the header timeout", late=0.2)
    def half(world):
        with start(world, "--model", model, "--sessions", "1",
                   "--header-timeout", "600ms") as server:
            slow = holding(server, HALF)
            with server.client() as other:
                other.ask(FAST)
            took = time.monotonic() - slow[0].began
            require(took > 0.5, f"the next was served after {took * 1000:.0f} ms")
            close_all(slow)


for name in ("conn-queue", "polled-pool", "event-mpm"):
    idle_is_free(name)
    half_occupies(name)
del name


# --- conn-queue --------------------------------------------------------------------------------

@case("conn-queue: connections above --queue-size wait, and all are served in the end", late=0.3)
def bounded_queue(world):
    """The queue is never longer than its bound, and the report says that accepting paused."""
    with start(world, "--model", "conn-queue", "--sessions", "1", "--queue-size", "2",
               "--batch", "1", *PATIENT) as server:
        slow = holding(server, sleep(700))
        crowd = [server.client() for _ in range(12)]
        for client in crowd:
            client.send(FAST)
        require(counter(server, "times accepting paused at a full queue") >= 1, "it did not pause")
        require(crowd[0].quiet_for(0), "served beside the only session")
        for client in slow + crowd:
            require(client.read_response().status == 200, "another answer")
        peak = queue(server, "rpw")[3]
        require(peak == 2, f"up to {peak} waited in a queue of 2")
        close_all(slow + crowd)


@case("conn-queue: 16 sessions serve 2,000 kept connections, twice each", True)
def many_on_few(world):
    """Few threads for many clients is what the model is for."""
    count = 2000 if harness.timeout_scale <= 1 else 200
    with all_descriptors(), start(world, "--model", "conn-queue", "--sessions", "16", *PATIENT) as server:
        crowd = kept(server, count)
        for client in crowd:
            client.send(FAST)
        for client in crowd:
            require(client.read_response().body == HELLO, "another answer")
        require(len(threads(server, "q-rpw")) == 16, f"threads {threads(server)}")
        close_all(crowd)


@case("conn-queue: the poller gives a readable connection back to the queue")
def back_to_the_queue(world):
    """Each request of a kept connection comes through it, not only the first."""
    with start(world, "--model", "conn-queue", "--sessions", "2", *PATIENT) as server:
        with server.client() as client:
            for _ in range(10):
                hello(server, client)
        put = queue(server, "rpw")[0]
        require(put >= 10, f"{put} times in the queue for 10 requests")
        require(queue(server, "K")[0] >= 9, "it did not come back to the poller")


@case("conn-queue: an idle connection ends with the keep-alive timeout")
def queue_keepalive(world):
    """The poller's work."""
    with start(world, "--model", "conn-queue", "--keepalive-timeout", "400ms") as server:
        with server.client() as client:
            hello(server, client)
            closed_after(client, 0.32, 2.5)


@case("conn-queue: --poll-interval makes a request on a kept connection wait, the first one not")
def poll_interval(world):
    """Without it, none waits."""
    for flags, least, most in ((("--poll-interval", "300ms"), 0.2, 1.0), ((), 0, 0.15)):
        with start(world, "--model", "conn-queue", *flags) as server, server.client() as client:
            quick(server, 0.15, f"{flags}, the first", client=client)
            watch = Stopwatch(server)
            hello(server, client)
            took, awake = watch.seconds(), watch.awake()
            require(least <= took and awake < scaled(most), f"{flags}: the second took {took * 1000:.0f} ms")


@case("conn-queue: header, body and I/O timeouts free the session that waits")
def session_timeouts(world):
    """Each with the only session, and a request behind it that is served as soon as it is free."""
    body = request("POST", "/synthetic/echo", "Content-Length: 10", body=b"abc")
    for flag, text, status in (("--header-timeout", HALF, 408), ("--body-timeout", body, 408),
                               ("--io-timeout", HUGE, None)):
        with start(world, "--model", "conn-queue", "--sessions", "1", flag, "400ms") as server:
            with server.client(receive_buffer=4096) as slow:
                slow.send(text)
                if status is None:
                    slow.fill()  # the session is at work before the other one comes
                watch = Stopwatch(server)
                with server.client() as other:
                    other.ask(FAST)
                    took, awake = time.monotonic() - slow.began, watch.awake()
                    require(0.25 <= took and awake < scaled(2), f"{flag}: free after {took * 1000:.0f} ms")
                if status is not None:
                    require(slow.read_response().status == status, f"{flag}: another answer")


@case("--backlog: a stopped server has that many connections waiting with their requests", True)
def backlog(world):
    """Linux keeps one more than asked for; who comes then is not connected. When the server goes
    on, all that waited are served."""
    with start(world, "--model", "conn-queue", "--backlog", "4", "--defer-accept",
               "off") as server:
        stop(server)
        socks = []
        try:
            for _ in range(12):
                sock = socket.socket()
                sock.setblocking(False)
                sock.connect_ex(server.address)
                socks.append(sock)
            inside = [sock for sock in socks if is_connected(sock)]
            for sock in inside:
                sock.send(get("/hello.txt", "Connection: close"))
            require(len(inside) == 5 and in_kernel(server) == 5,
                    f"{len(inside)} connected, {in_kernel(server)} wait, with --backlog 4")
        finally:
            server.signal(signal.SIGCONT)
        for sock in inside:
            sock.settimeout(scaled(5))
            require(HELLO in read_all(sock), "one that waited was not served")
        close_all(socks)


def stop(server):
    """SIGSTOP, and none of its threads is on its way to a stop any more."""
    def stopped():
        tasks = f"/proc/{server.pid}/task"
        for tid in os.listdir(tasks):
            with open(f"{tasks}/{tid}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] != "T":
                    return False
        return True
    server.signal(signal.SIGSTOP)
    eventually(stopped, "all threads are stopped")


def is_connected(sock):
    """Is the handshake over?"""
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    return bool(poller.poll(0)) and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def read_all(sock):
    """Everything up to the end."""
    data = b""
    while part := sock.recv(65536):
        data += part
    return data


# --- acceptor ----------------------------------------------------------------------------------

@case("acceptor: n threads serve n connections, the next ones wait in the kernel")
def acceptor(world):
    """There is no queue of ours, and no other thread. All six are there when the server looks."""
    with start(world, "--model", "acceptor", "--sessions", "3", "--defer-accept", "off",
               *PATIENT) as server:
        has_threads(server, ["q-rpw/0", "q-rpw/1", "q-rpw/2"])
        stop(server)
        crowd = holding(server, FAST, 6)
        server.signal(signal.SIGCONT)
        for nth, client in enumerate(crowd):
            require(client.read_response().body == HELLO, "another answer")
            if nth >= 2:
                require(all(other.quiet_for(0.05) for other in crowd[nth + 1:]),
                        "three threads serve more than three connections")
                require(in_kernel(server) == 5 - nth, f"{in_kernel(server)} wait in the kernel")
                crowd[nth - 2].close()
        close_all(crowd)


@case("acceptor: 100 connections at once, opened and closed in turn, are all served by 8 threads")
def acceptor_crowd(world):
    """A free thread takes the next turn at accepting; the turn is never lost."""
    with start(world, "--model", "acceptor", "--sessions", "8") as server:
        for _ in range(5):
            crowd = [server.client() for _ in range(100)]
            for client in crowd:
                client.send(get("/hello.txt", "Connection: close"))
            for client in crowd:
                require(client.read_response().body == HELLO, "another answer")
            close_all(crowd)


# --- reaped-pool -------------------------------------------------------------------------------

TWO = ("127.0.0.1:0", "127.0.0.1:0")


@case("reaped-pool: 15 connections over all addresses; for the next ones the oldest idle ones die")
def reaped(world):
    """Oldest by its beginning: that it was used last does not save it."""
    with start(world, "--model", "reaped-pool", *PATIENT, listen=TWO) as server:
        crowd = [kept(server, 1, server.addresses[i % 2])[0] for i in range(15)]
        hello(server, crowd[0])
        for i in range(4):
            eventually(lambda: asleep(server), "all 15 are idle, also for the server")
            client = Client(server.addresses[i % 2])
            quick(server, 0.5, "the new one", client=client)
            crowd.append(client)
            crowd[i].expect_end()
            require(all(other.quiet_for(0) for other in crowd[i + 1:]), "another one died too")
        for client in crowd[4:]:
            hello(server, client)
        require(counter(server, "closed idle to make place for another (--overload reap)") == 4,
                "the report does not say so")
        close_all(crowd)


@case("reaped-pool: none dies that is being served; the first to finish is not kept", late=0.2)
def reaped_busy(world):
    """15 handlers sleep, one of them for a shorter time."""
    with start(world, "--model", "reaped-pool", *PATIENT) as server:
        busy = holding(server, sleep(1800), 14) + holding(server, sleep(700))
        with server.client() as late:
            late.send(FAST)
            require(late.quiet_for(0.15), "served, although nobody could be closed")
            require(busy[14].read_response().status == 200, "killed while it was served")
            busy[14].expect_end()
            require(late.read_response().body == HELLO, "another answer")
            for client in busy[:14]:
                require(client.read_response().status == 200, "killed while it was served")
                hello(server, client)
        close_all(busy)


@case("reaped-pool: a client that says Keep-Alive: timeout=1 dies before one that says 300")
def reaped_by_wish(world):
    """Although it is the younger one, and both are idle."""
    with start(world, "--model", "reaped-pool", *PATIENT) as server:
        patient, hasty = server.client(), server.client()
        patient.ask(get("/hello.txt", "Connection: keep-alive", "Keep-Alive: timeout=300"))
        hasty.ask(get("/hello.txt", "Connection: keep-alive", "Keep-Alive: timeout=1"))
        closed_after(hasty, 0.9, 2.5)
        require(patient.quiet_for(0.2), "the patient one died too")
        close_all((patient, hasty))


REAPED_64 = ("--wiring", "L | rpw*64", "--overload", "reap", "--spawn", "on-demand",
             "--doorbell", "condvar")


@case("reaped-pool: without descriptors an idle connection is closed and the new one served")
def reaped_descriptors(world):
    """Twice as many connections as descriptors, none of which closes by itself."""
    with start(world, *REAPED_64, *PATIENT, nofile=48) as server:
        crowd = kept(server, 96)
        require(counter(server, "times accept failed for want of descriptors or memory") > 0,
                "accept did not fail")
        require(answers(server), "the last one is not served")
        close_all(crowd)


@case("reaped-pool: without descriptors and with nobody idle it waits, and serves all in the end")
def reaped_nobody_idle(world):
    """It backs off and tries again."""
    with start(world, *REAPED_64, *PATIENT, nofile=48) as server:
        crowd = [server.client() for _ in range(70)]
        for client in crowd:
            client.send(sleep(100))
        for client in crowd:
            require(client.read_response().status == 200, "not served")
        require(counter(server, "times accept failed for want of descriptors or memory") > 0,
                "accept did not fail")
        close_all(crowd)


# --- polled-pool -------------------------------------------------------------------------------

@case("polled-pool: pipelined requests are answered in order")
def polled_pipeline(world):
    """Several connections, several sessions."""
    with start(world, "--model", "polled-pool", "--sessions", "3") as server:
        clients = [server.client() for _ in range(6)]
        for client in clients:
            client.send(b"".join(get(f"/synthetic/bytes?n={i}") for i in range(40)))
        for client in clients:
            sizes = [len(client.read_response().body) for _ in range(40)]
            require(sizes == list(range(40)), f"sizes {sizes}")
        close_all(clients)


@case("--poll-interval: a request that waits for the interval is answered when the server drains", late=1)
def interval_drain(world):
    """It is not an idle connection, though no stage has read from it."""
    with start(world, "--wiring", "L | K | rpw*2", "--poll-interval", "2s") as server:
        with server.client() as client:
            hello(server, client)
            client.send(FAST)
            require(client.quiet_for(0.2), "answered before the interval")
            server.signal(signal.SIGTERM)
            response = client.read_response()
            require(response.status == 200 and response.says_close(), f"status {response.status}")
            client.expect_end()


# --- worker-stack ------------------------------------------------------------------------------

def serving_threads(world, column, *flags):
    """The threads that served 20 connections, each of which found the server asleep."""
    with tempfile.TemporaryDirectory(prefix="quartet-trace-") as folder:
        path = os.path.join(folder, "trace")
        with start(world, "--trace", path, *flags) as server:
            for _ in range(20):
                eventually(lambda: asleep(server), "all its threads sleep")
                with server.client() as client:
                    client.ask(get("/hello.txt", "Connection: close"))
                    client.expect_end()
        return {row[column] for row in trace_rows(world, path)}


@case("worker-stack: a connection goes to the worker that became idle last")
def stack(world):
    """One after the other, all are served by the same one of eight."""
    found = serving_threads(world, "thread_read", "--model", "worker-stack", "--min-threads", "8",
                            "--max-threads", "8")
    require(len(found) == 1, f"served by {sorted(found)}")


@case("worker-stack: threads come with connections and go when they are idle")
def stack_on_demand(world):
    """Between --min-threads and --max-threads, twice."""
    with start(world, "--model", "worker-stack", "--min-threads", "2", "--max-threads", "6",
               "--idle-thread-timeout", "300ms", *PATIENT) as server:
        for _ in range(2):
            eventually(lambda: len(threads(server, "q-rpw")) == 2, "two threads are left")
            crowd = kept(server, 6)
            require(len(threads(server, "q-rpw")) == 6, f"{threads(server)} for 6 connections")
            close_all(crowd)
        eventually(lambda: len(threads(server, "q-rpw")) == 2, "two threads are left")
        soon(server, "with the threads that are left")


@case("worker-stack: with all workers busy a connection gets a whole 503, and one log line does")
def stack_full(world):
    """Also when it has sent its request first: no reset destroys the answer."""
    with start(world, "--model", "worker-stack", "--max-threads", "2", *PATIENT) as server:
        crowd = kept(server, 2)
        for i in range(6):
            with server.client() as client:
                client.send(FAST * (1 + 100 * (i % 2)))
                turned_away(client)
        turned = counter(server, "connections answered with 503 at a limit (--overload reject)")
        require(turned == 6,
                "the report does not say so")
        lines = server.stderr().count("turning connections away")
        require(lines == 1, f"{lines} log lines in less than a minute")
        for client in crowd:
            hello(server, client)
        close_all(crowd)
        eventually(lambda: answers(server), "new connections are served again")


@case("worker-stack: after a connection was turned away, accepting rests for a moment", True)
def stack_rests(world):
    """So that another process on the same port gets its chance."""
    with start(world, "--model", "worker-stack", "--max-threads", "1", *PATIENT) as server:
        crowd = kept(server, 1)
        watch = Stopwatch(server)
        for _ in range(4):
            with server.client() as client:
                turned_away(client)
        took, awake = watch.seconds(), watch.awake()
        require(3 * 0.08 <= took and awake < scaled(3 * 0.4), f"3 rests took {took * 1000:.0f} ms")
        close_all(crowd)


@case("worker-stack: while one process rests, another one on the same port takes the connection", True)
def stack_leaves_the_port(world):
    """Two processes at one socket. Without the rest the full one would be there first, each time."""
    with start(world, "--model", "worker-stack", "--max-threads", "1", "--processes", "2",
               "--accept-mutex", "on", *PATIENT) as server:
        crowd = kept(server, 1)
        for _ in range(5):
            refused, status = 0, 503
            while status == 503:
                require(refused <= 3, "turned away again and again although a process is free")
                with server.client() as client:
                    client.send(request("GET", "/hello.txt", "Connection: close"))
                    status = client.read_response().status
                refused += status == 503
            require(status == 200, f"status {status}")
        close_all(crowd)


# --- event-mpm ---------------------------------------------------------------------------------

@case("event-mpm: 20 clients that do not take a large answer occupy no worker", True)
def slow_readers(world):
    """There is one, and it serves others."""
    with start(world, "--model", "event-mpm", "--sessions", "1", *PATIENT) as server:
        baseline = settle(server)
        crowd = [server.client(receive_buffer=4096) for _ in range(20)]
        for client in crowd:
            client.send(HUGE)
        until_still(server)
        for _ in range(20):
            soon(server, "beside slow readers")
        for client in crowd:
            client.abort()
        back_to(server, baseline)


# --- loops, half-sync, staged-nolistener, leader-followers --------------------------------------

@case("each model has the threads its wiring says, and no other")
def thread_names(world):
    """Counted by name."""
    for flags, expected in (
            (("--model", "staged", "--processors", "2"), ["q-L", "q-P/0", "q-P/1", "q-R", "q-W"]),
            (("--model", "staged-nolistener", "--processors", "1"), ["q-LR", "q-P", "q-W"]),
            (("--model", "conn-queue", "--sessions", "1"), ["q-K", "q-L", "q-rpw"]),
            (("--model", "polled-pool", "--sessions", "1"), ["q-K", "q-L", "q-rpw"]),
            (("--model", "worker-stack", "--max-threads", "2", "--min-threads", "2"),
             ["q-L", "q-rpw/0", "q-rpw/1"]),
            (("--model", "event-mpm", "--sessions", "1"), ["q-LKW", "q-rpw"]),
            (("--model", "loops", "--readers", "2"), ["q-LRPW/0", "q-LRPW/1"]),
            (("--model", "half-sync", "--processors", "2"), ["q-LRW", "q-P/0", "q-P/1"]),
            (("--model", "leader-followers", "--processors", "2"), ["q-pw/0", "q-pw/1"])):
        with start(world, *flags) as server:
            has_threads(server, expected)


@case("loops: a handler that blocks stops its loop's other connections, not another loop's", True,
      late=0.2)
def loops_block(world):
    """One loop: the next request waits. Two: some of twelve connections wait, the others do not."""
    with start(world, "--wiring", "LRPW*1") as server:
        blocked = holding(server, sleep(600))
        hello(server)
        took = time.monotonic() - blocked[0].began
        require(took > 0.5, f"served after {took * 1000:.0f} ms, beside a blocked loop")
        close_all(blocked)
    with start(world, "--wiring", "LRPW*2") as server:
        crowd = kept(server, 12)
        require(0 < len(served_beside_sleeper(crowd)) < 11, "one loop has all connections")
        close_all(crowd)


def served_beside_sleeper(crowd):
    """Those that are answered while the first one's handler sleeps; all are in the end."""
    crowd[0].send(sleep(600))
    require(crowd[0].quiet_for(0.05), "answered at once")
    for client in crowd[1:]:
        client.send(FAST)
    require(crowd[0].quiet_for(0.2), "the sleeper woke too early")
    served = [client for client in crowd[1:] if not client.quiet_for(0)]
    for client in crowd:
        require(client.read_response().status == 200, "another answer")
    return served


@case("half-sync: handlers that block stop nobody while there is a thread left", True)
def half_sync(world):
    """Three of four sleep."""
    with start(world, "--model", "half-sync", "--processors", "4", *PATIENT) as server:
        blocked = holding(server, sleep(20_000), 3)
        soon(server, "with one processor of four", blocked)
        close_all(blocked)


@case("leader-followers: with all threads but one in handlers, the server goes on", True, late=0.2)
def leader_followers(world):
    """The one that is left is the leader; with none left, requests wait."""
    for count in (4, 2, 1):
        with start(world, "--wiring", f"LRPW@{count}", *PATIENT) as server:
            has_threads(server, ["q-pw"] if count == 1 else [f"q-pw/{i}" for i in range(count)])
            for _ in range(10):
                soon(server, "at rest")
            blocked = holding(server, sleep(20_000), count - 1) if count > 1 else []
            for _ in range(10):
                soon(server, f"{count - 1} of {count} threads in handlers", blocked)
            last = holding(server, sleep(400))
            hello(server)
            took = time.monotonic() - last[0].began
            require(took > 0.35, f"served after {took * 1000:.0f} ms with all threads in handlers")
            close_all(blocked + last)


# --- connections that live long ------------------------------------------------------------------

LONG_LIVED = (
    (("--model", "staged"), "serves"), (("--model", "loops"), "serves"),
    (("--model", "half-sync"), "serves"), (("--model", "leader-followers"), "serves"),
    (("--model", "event-mpm", "--sessions", "64"), "serves"),
    (("--model", "conn-queue", "--sessions", "128"), "serves"),
    (("--model", "polled-pool", "--sessions", "128"), "serves"),
    (("--model", "acceptor", "--sessions", "32"), "waits"),
    (("--wiring", "L | rpw*32", "--overload", "reap", "--spawn", "on-demand"), "waits"),
    (("--model", "worker-stack", "--max-threads", "32"), "rejects"),
)


def long_lived(flags, outcome):
    """A case: does a short request get through beside many that live long?"""
    @case(f"{' '.join(flags)}: beside 120 connections that live long, a request {outcome}", True)
    def run(world):
        with start(world, *flags, "--io-timeout", "1h", *PATIENT) as server:
            crowd = [server.client(receive_buffer=4096) for _ in range(120)]
            for client, text in zip(crowd, [FAST] * 60 + [HALF] * 40 + [MEGABYTE] * 20):
                client.send(text)
            until_still(server)
            if outcome == "serves":
                soon(server, "beside them")
            elif outcome == "waits":
                require(not answers(server), "served, although all threads are occupied")
            else:
                with server.client() as client:
                    turned_away(client)
            for client in crowd:
                client.abort()
            eventually(lambda: answers(server), "requests are served when they have gone")


for model_flags, what_comes in LONG_LIVED:
    long_lived(model_flags, what_comes)
del model_flags, what_comes


# --- policies belong to no model -----------------------------------------------------------------

@case("--overload reap on staged: at --max-connections the oldest idle connection makes place")
def staged_reaps(world):
    """As in the pool it is taken from."""
    with start(world, "--model", "staged", "--max-connections", "3", "--overload", "reap",
               *PATIENT) as server:
        crowd = kept(server, 3)
        for i in range(3):
            eventually(lambda: asleep(server), "all three are idle, also for the server")
            crowd += kept(server, 1)
            crowd[i].expect_end()
            require(all(other.quiet_for(0) for other in crowd[i + 1:]), "another one died too")
        close_all(crowd)


@case("--overload reject on staged: at --max-connections the next one gets a 503")
def staged_rejects(world):
    """And is served again when one has gone."""
    with start(world, "--model", "staged", "--max-connections", "3", "--overload", "reject",
               *PATIENT) as server:
        crowd = kept(server, 3)
        with server.client() as client:
            turned_away(client)
        crowd.pop().close()
        eventually(lambda: answers(server), "new connections are served again")
        for client in crowd:
            hello(server, client)
        close_all(crowd)


@case("--overload reject behind a fifo queue: one waits in it, the others get a 503", late=0.4)
def fifo_rejects(world):
    """A bound of one, and the only session busy."""
    with start(world, "--wiring", "L | rpw*1", "--overload", "reject", "--queue-size", "1",
               *PATIENT) as server:
        busy = holding(server, sleep(900))
        eventually(lambda: asleep(server), "the session is in the handler: the queue is empty")
        waiting = holding(server, FAST)
        for _ in range(3):
            with server.client() as client:
                turned_away(client)
        for client in busy:
            require(client.read_response().status == 200, "the busy one got another answer")
            client.close()
        require(waiting[0].read_response().body == HELLO, "the waiting one got another answer")
        close_all(waiting)


@case("--dispatch lifo on staged: the processor that became idle last gets the next request")
def staged_lifo(world):
    """One after the other, all are processed by the same one of four."""
    found = serving_threads(world, "thread_process", "--model", "staged", "--processors", "4",
                            "--dispatch", "lifo")
    require(len(found) == 1, f"processed by {sorted(found)}")


@case("--spawn on-demand on half-sync: processors come with blocking handlers and go again", late=0.3)
def half_sync_on_demand(world):
    """From one to four."""
    with start(world, "--model", "half-sync", "--spawn", "on-demand", "--max-threads", "4",
               "--idle-thread-timeout", "300ms") as server:
        eventually(lambda: len(threads(server)) == 2, "one loop and one processor are there")
        crowd = holding(server, sleep(500), 8)
        eventually(lambda: len(threads(server, "q-P")) == 4, "four processors are there")
        for client in crowd:
            require(client.read_response().status == 200, "another answer")
        eventually(lambda: len(threads(server, "q-P")) == 1, "one processor is left")
        close_all(crowd)


# --- what is offered (cli.py has what is refused) ------------------------------------------------

@case("--list-models prints every model with its wiring, and no other")
def list_models(world):
    """The first two columns."""
    done = subprocess.run([world.program, "--list-models"], capture_output=True, check=True,
                          timeout=scaled(PATIENCE_S))
    lines = done.stdout.decode().splitlines()[1:]
    require(len(lines) == len(PRESETS), f"{len(lines)} lines")
    for line, (name, wiring) in zip(lines, PRESETS.items()):
        require(re.match(rf"{name} +{re.escape(wiring)} +[fl]ifo, ", line), line)
