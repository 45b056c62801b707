"""What --check foretells of a wiring comes true: which waits are zero, and which queues a request passes."""

import re
import subprocess

from docroot import HELLO
from harness import eventually
from servers import config_of, hello, start
from status import status_of
from table import Table, get, post, require

table = Table("explain", args=("own",))
case = table.case

WAY = re.compile(r"^    (\w+) +(\w+) (-->|==>) (\w+) ", re.M)
ZERO = re.compile(r"^  ([a-z.]+) is 0: ", re.M)
WAITS = ("process.wait", "write.wait", "requeue.wait")
# Kinds of ways that every request takes, or the first of its connection, where the wiring has them.
USUAL = ("new", "readable", "request", "answer", "kept")
CLIENTS, ROUNDS = 3, 20


def explained(world):
    """The text of --check: its ways as (kind, from, to, whether through a queue), and the zero waits."""
    done = subprocess.run([world.program, "--check", "--root", str(world.root), *world.base_args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    require(done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr!r}")
    ways = [(kind, group, to, arrow == "==>") for kind, group, arrow, to in WAY.findall(done.stdout)]
    require(len(ways) > 8, f"few ways in {done.stdout!r}")
    return ways, set(ZERO.findall(done.stdout))


def counted(client, count):
    """The report once so many requests are counted, and as many connections are back that are kept."""
    def look():
        report = status_of(client)["report"]
        back = report["intervals_ns"]["requeue.wait"]["count"]
        return report if report["counters"]["REQUESTS"] >= count and back >= count else None

    return eventually(look, f"{count} requests are counted")


def puts(report):
    """{letters of a group: connections put into its queues, or passed by them since a loop ran the stage itself}."""
    found = {}
    for queue in report["queues"]:
        if not queue["accept"]:
            letters = report["groups"][queue["group"]]["letters"]
            found[letters] = found.get(letters, 0) + queue["put"] + queue["inlined"]
    return found


def ask_plainly(server):
    """Small requests one after the other on connections that are kept: the clients, still open."""
    clients = [server.client() for _ in range(CLIENTS)]
    for _ in range(ROUNDS):
        for client in clients:
            hello(server, client)
    return clients


@case("a wait that --check calls zero is zero, and another one is not")
def zeros(world):
    """In all requests of kept connections."""
    _, zero = explained(world)
    with start(world) as server, server.client() as watcher:
        clients = ask_plainly(server)
        report = counted(watcher, CLIENTS * ROUNDS)
        for client in clients:
            client.close()
    for name in WAITS:
        found = report["intervals_ns"][name]["sum"]
        require((found == 0) == (name in zero),
                f"{name} is {found} ns in all, and --check says zero of {sorted(zero)}")


@case("each request passes the queues that --check names, and no other")
def queues(world):
    """Small requests first, each of which is counted in each of these queues; then all kinds of requests."""
    ways, _ = explained(world)
    with start(world) as server, server.client() as watcher:
        clients = ask_plainly(server)
        found = puts(counted(watcher, CLIENTS * ROUNDS))
        inlines = re.search("[A-Z][pw]", config_of(world)["wiring"])  # a loop may run the stage itself
        called = {kind for kind, _, _, queued in ways if not queued} if inlines else set()
        for kind, _, to, queued in ways:
            if queued and kind in {"request", "answer"} - called:
                require(found[to] >= CLIENTS * ROUNDS, f"{found[to]} connections in {to}, by {kind}")
        usual = {to for kind, _, to, queued in ways if queued and kind in USUAL}
        always = {to for kind, _, to, queued in ways if queued and kind in set(USUAL) - called}
        used = {to for to, count in found.items() if count}
        require(always <= used <= usual, f"{found} were put, and --check names {sorted(usual)}")
        ask_oddly(server, clients)
        found = puts(status_of(watcher)["report"])
        named = {to for _, _, to, queued in ways if queued}
        require({to for to, count in found.items() if count} <= named,
                f"{found} were put, and --check names {sorted(named)}")


def ask_oddly(server, clients):
    """A request in parts, a body behind 100 Continue, a short pipeline, a big answer, connections that end."""
    small = get("/hello.txt")
    first, second, third = clients
    first.send(small[:9])
    require(first.quiet_for(0.05), "an answer to a part of a request")
    first.send(small[9:])
    require(first.read_response().body == HELLO, "no answer to a request in parts")
    first.send(post("/synthetic/echo", b"", "Expect: 100-continue").replace(
        b"Content-Length: 0", b"Content-Length: 4"))
    require(first.read_response().status == 100, "no 100")
    first.send(b"body")
    require(first.read_response().body == b"body", "no echo")
    second.send(small + small)
    require([second.read_response().status for _ in range(2)] == [200, 200], "no answers to a pipeline")
    third.send(get("/synthetic/bytes?n=20000000"))
    require(len(third.read_response().body) == 20000000, "not the whole answer")
    for client in (first, second):
        client.send(get("/hello.txt", "Connection: close"))
        require(client.read_response().says_close(), "not closed")
    for client in clients:
        client.close()
