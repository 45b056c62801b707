"""Servers of a case's own, and what cases do with them: one request, a baseline of descriptors,
clients that hammer, log lines."""

import collections
import contextlib
import json
import pathlib
import re
import resource
import subprocess
import threading
import time

from docroot import HELLO
from harness import CaseFailed, Server, eventually, scaled
from lateness import Stopwatch
from table import get, head, post, require

# The models by name, each with its wiring: what the server is made of.
PRESETS_DEF = pathlib.Path(__file__).parents[2] / "stages/model/presets.def"
PRESETS = dict(re.findall(r'^PRESET\("([^"]+)", "([^"]+)"', PRESETS_DEF.read_text("utf-8"), re.M))

FAST = get("/hello.txt")
HUGE = get("/synthetic/bytes?n=50000000")


def start(world, *args, **options):
    """A server with these flags (and those of the model)."""
    return Server(world.program, ["--root", str(world.root), "--synthetic", "on", *args,
                                  *world.base_args], **options)


def start_patient(world, *args, **options):
    """The same, which keeps connections for longer than a client may be without a CPU."""
    return start(world, "--keepalive-timeout", "10m", "--header-timeout", "10m", *args, **options)


def hello(server, client=None):
    """One request is answered; on a new connection when none is given."""
    if client is None:
        with server.client() as client:
            return hello(server, client)
    response = client.ask(FAST)
    require(response.status == 200 and response.body == HELLO, f"status {response.status}")
    return response


def quick(server, bound, what, count=1, client=None):
    """That many requests, one after the other, are each answered in so many seconds, but for what the machine
    took meanwhile. `what` goes on beside them."""
    patience, worst = Stopwatch(server), 0.0
    for _ in range(count):
        begin = time.monotonic()
        hello(server, client)
        worst = max(worst, time.monotonic() - begin)
    late = patience.late()
    require(worst < scaled(bound) + late, f"{what}: a request took {worst * 1000:.0f} ms, of which the machine "
            f"took at most {late * 1000:.0f}")


@contextlib.contextmanager
def all_descriptors():
    """For crowds: as many open files as this process, and with it its servers, may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def config_of(world):
    """What --print-config says of the case's model."""
    done = subprocess.run([world.program, "--print-config", "--root", str(world.root),
                           *world.base_args], capture_output=True, check=True)
    return json.loads(done.stdout)


def overload_of(world):
    """What the case's model does at a limit: wait, reject or reap."""
    config = config_of(world)
    asked = config["options"]["overload"]
    if asked != "model":
        return asked
    if config["options"]["wiring"]:
        return "wait"
    done = subprocess.run([world.program, "--list-models"], capture_output=True, check=True)
    return re.search(rf"^{config['model']} .* (wait|reject|reap), ", done.stdout.decode(),
                     re.M).group(1)


def sockets_of(server):
    """How many sockets it has open: those it listens on, and its connections."""
    return sum(target.startswith("socket:") for target in server.open_files())


def settle(server):
    """Descriptors open when no client is connected beyond those that are now; some requests first, so that caches
    are warm. The connections of these requests have to be closed: however long a busy machine takes for the last
    one, it must not count."""
    before = sockets_of(server)
    for _ in range(20):
        hello(server)
        with server.client() as client:
            client.ask(get("/large.bin", "Range: bytes=0-9"))
    eventually(lambda: sockets_of(server) <= before, "the connections of warming up are closed")
    return server.descriptors()


def open_now(server):
    """What a server that kept something open says of itself, in one line: its descriptors, each kind with its count,
    and its own connections and counters."""
    kinds = collections.Counter(re.sub(r"\[\d+\]$", "", target) for target in server.open_files())
    text = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    try:
        with server.client(timeout=5) as client:
            report = json.loads(client.ask(get("/server-status?json")).body)["report"]
    except (CaseFailed, OSError) as failure:
        return f"{text}; no report: {failure}"
    counters = ", ".join(f"{name} {count}" for name, count in report["counters"].items() if count)
    return f"{text}; its report, with one connection more: {report['connections']} connections, {counters}"


def back_to(server, baseline):
    """All descriptors of clients are closed again."""
    try:
        eventually(lambda: server.descriptors() <= baseline, f"the descriptors return to {baseline}")
    except CaseFailed as failure:
        raise CaseFailed(f"{failure} (now {server.descriptors()}: {open_now(server)})") from None


def answers(server):
    """Is a new connection answered soon?"""
    try:
        with server.client(timeout=0.5) as client:
            return client.ask(FAST).body == HELLO
    except (CaseFailed, OSError):
        return False


def refused_now(server):
    """Are new connections refused?"""
    try:
        with server.client(timeout=0.5):
            return False
    except (ConnectionError, OSError):
        return True


class Hammer:
    """A client thread that asks and asks until the server is gone, and judges what it got."""

    def __init__(self, server, kind):
        self.server, self.kind = server, kind
        self.answers = 0
        self.problem = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        """Until a connection is refused or a response is broken."""
        requests = ((FAST, "GET"), (get("/synthetic/bytes?n=30000"), "GET"),
                    (post("/synthetic/echo", b"e" * 2000), "GET"), (head("/page.html"), "HEAD"),
                    (get("/synthetic/stream?chunks=3&size=500&ms=2"), "GET"),
                    (get("/large.bin"), "GET"))
        text, method = requests[self.kind % len(requests)]
        while True:
            try:
                client = self.server.client()
            except OSError:
                return
            with client:
                if not self.connection(client, text, method):
                    return

    def connection(self, client, text, method):
        """One connection until it ends; False when the thread should end too."""
        while True:
            client.total_received = 0
            try:
                client.send(text)
                response = client.read_response(method)
            except CaseFailed as failure:
                if client.total_received == 0 and client.eof:
                    return True  # closed between two responses
                self.problem = f"{failure} ({client.total_received} bytes of a response came)"
                return False
            if response.status != 200:
                self.problem = f"status {response.status}"
                return False
            self.answers += 1
            if response.says_close():
                return True


def hammer(server, count):
    """Starts that many clients, of all kinds."""
    hammers = [Hammer(server, i) for i in range(count)]
    for one in hammers:
        one.thread.start()
    eventually(lambda: all(one.answers or one.problem for one in hammers), "all have an answer")
    return hammers


LOG_LINE = re.compile(r'^\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
                      r'"((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*" '
                      r'(\d+|-1)( .*)?$')


def log_lines(*paths):
    """(request line, status, bytes, µs) of each line; every line must have the form. The time of an
    answer that was cut is -1: its last byte was never sent."""
    found = []
    for path in paths:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            text = file.read()
        require(not text or text.endswith("\n"), f"the last line is cut: {text[-80:]!r}")
        for line in text.split("\n")[:-1]:
            match = LOG_LINE.match(line)
            require(match, f"not a log line: {line!r}")
            size = 0 if match.group(3) == "-" else int(match.group(3))
            found.append((match.group(1), match.group(2), size, int(match.group(4))))
    return found
