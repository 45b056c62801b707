"""Faults around files and logs: answers that are cut, descriptors that run out, pipes that nobody
reads.

Each case starts a server of its own, like those of faults.py, and belongs to the same area.
"""

import contextlib
import fcntl
import os
import re
import resource
import signal
import subprocess
import tempfile

from docroot import HELLO
from handler_faults import counter
from harness import PATIENCE_S, CaseFailed, Client, eventually, parse_address, scaled
from servers import hello, log_lines, start
from table import Table, get, require

table = Table("faults", args=("own",))
case = table.case

CUT_COUNTER = "answers cut off before their end"
LOST_COUNTER = "access log lines lost to write errors"


@contextlib.contextmanager
def scratch():
    """A folder for a log, and the log's path in it."""
    with tempfile.TemporaryDirectory(prefix="quartet-log-") as folder:
        yield os.path.join(folder, "access.log")


# --- answers that are cut ----------------------------------------------------------------------

def drained(client):
    """The client takes what comes until the server closes."""
    while not client.eof:
        client.fill()


def outcome(path, target):
    """(total, close, answer) of the only line about a target."""
    with open(path, encoding="ascii") as file:
        lines = [line for line in file if target in line]
    require(len(lines) == 1, f"{len(lines)} lines for {target}")
    match = re.search(r'" (-?[0-9]+) read=.* close=(\S+) answer=(\S+)$', lines[0])
    require(match, f"not a log line: {lines[0]!r}")
    return match.groups()


@case("an answer shorter than declared is logged and counted as cut, a longer one is not")
def short_answer(world):
    """The client of the longer one got all that it was promised."""
    short, long = ("/synthetic/length?declared=9&actual=5", "/synthetic/length?declared=5&actual=9")
    with scratch() as path, start(world, "--access-log", path) as server:
        with server.client() as client:
            require(client.ask(get(long)).body == b"01234", "another body")
            client.send(get(short))
            drained(client)
        eventually(lambda: len(log_lines(path)) == 2, "both lines come")
        require(outcome(path, long)[1:] == ("-", "whole"), f"{outcome(path, long)} for the longer")
        require(outcome(path, short) == ("-1", "server_error", "cut"),
                f"{outcome(path, short)} for the shorter")
        require(counter(server, CUT_COUNTER) == 1, "not one counted")


@case("an answer that a stop gives up is logged and counted as cut")
def stopped_answer(world):
    """In pieces, between two of which the server cuts; the report comes with the last line."""
    target = "/synthetic/stream?chunks=1000&size=100&ms=20"
    with scratch() as path:
        with start(world, "--access-log", path, "--drain-timeout", "1h") as server:
            with server.client() as client:
                client.send(get(target))
                eventually(lambda: client.fill() or client.total_received > 200, "it begins")
                server.signal(signal.SIGTERM)
                eventually(lambda: "stopping" in server.stderr(), "it drains")
                server.signal(signal.SIGTERM)
                drained(client)
                require(not client.buffer.endswith(b"\r\n0\r\n\r\n"), "it got a whole answer")
        _, close, answer = outcome(path, target)
        require((close, answer) == ("cut", "cut"), f"close={close} answer={answer}")


@case("a file that shrinks while it is sent is logged and counted as cut")
def shrunk_file(world):
    """The descriptor of the old length has no more bytes."""
    file = world.root / "changing" / "shrinks.bin"
    file.write_bytes(b"s" * 20_000_000)
    with scratch() as path, start(world, "--access-log", path) as server:
        with server.client(receive_buffer=4096) as client:
            client.send(get("/changing/shrinks.bin"))
            client.fill()
            os.truncate(file, 1000)
            drained(client)
        eventually(lambda: len(log_lines(path)) == 1, "the line comes")
        _, close, answer = outcome(path, "/changing/shrinks.bin")
        require((close, answer) == ("server_error", "cut"), f"close={close} answer={answer}")
        require(counter(server, CUT_COUNTER) == 1, "not one counted")


# --- descriptors -------------------------------------------------------------------------------

UNMEASURED = ("--trace-level", "off")


def leave_descriptors(server, count):
    """Lets the server open so many descriptors more, the lowest numbers that are free. It must not measure: a thread
    that reads its own figures in /proc has one for a moment."""
    taken = {int(name) for name in os.listdir(f"/proc/{server.pid}/fd")}
    free = (number for number in range(1 << 20) if number not in taken)
    limit = [next(free) for _ in range(count + 1)][count]
    hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, hard))
    return limit


@case("a file opened with the last descriptor has its codings and its Vary")
def last_descriptor(world):
    """What is remembered of it then is believed for an hour."""
    with start(world, "--file-cache-age", "1h", *UNMEASURED) as server, server.client() as client:
        hello(server, client)
        leave_descriptors(server, 1)
        for _ in range(2):
            response = client.ask(get("/page.html", "Accept-Encoding: gzip"))
            require(response.status == 200 and response.get("Vary") == "Accept-Encoding",
                    f"status {response.status}, Vary {response.get('Vary')}")
            require(response.get("Content-Encoding") == "gzip", "not the gzipped one")


@case("a file that could not be opened for want of descriptors is looked for again")
def no_descriptor(world):
    """503 meanwhile, and what is known goes on being served."""
    with start(world, "--file-cache-age", "1h", *UNMEASURED) as server, server.client() as client:
        hello(server, client)
        before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        leave_descriptors(server, 0)
        response = client.ask(get("/page.html", "Accept-Encoding: gzip"))
        require(response.status == 503 and response.get("Retry-After"), f"{response.status}")
        hello(server, client)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
        response = client.ask(get("/page.html", "Accept-Encoding: gzip"))
        require(response.get("Content-Encoding") == "gzip", "not the gzipped one")
        require(response.get("Vary") == "Accept-Encoding", "no Vary")


# --- pipes -------------------------------------------------------------------------------------

@case("a log on a FIFO that nobody reads is an error at the start, and no wait")
def start_on_fifo(world):
    """One line that says it."""
    with scratch() as path:
        os.mkfifo(path)
        command = [world.program, "--root", str(world.root), "--listen", "127.0.0.1:0",
                   "--access-log", path, *world.base_args]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                _, said = process.communicate(timeout=scaled(PATIENCE_S))
            except subprocess.TimeoutExpired:
                process.kill()
                raise CaseFailed("it waits for a reader") from None
        lines = [line for line in said.decode().splitlines() if path in line]
        require(process.returncode == 1, f"exit code {process.returncode}")
        require(len(lines) == 1 and "FIFO that nobody reads" in lines[0], f"said {said!r}")


@case("a log that becomes a FIFO without a reader leaves the server in control")
def rotate_to_fifo(world):
    """The old file stays in use; later signals are heard."""
    with scratch() as path, start(world, "--access-log", path) as server:
        hello(server)
        eventually(lambda: len(log_lines(path)) == 1, "the line comes")
        os.rename(path, path + ".old")
        os.mkfifo(path)
        server.signal(signal.SIGHUP)
        eventually(lambda: "FIFO that nobody reads" in server.stderr(), "the log says so")
        hello(server)
        eventually(lambda: len(log_lines(path + ".old")) == 2, "the old file stays in use")
        require(counter(server, "connections accepted") == 2, "another number of connections")


def ask_until_full(server, lost):
    """Requests with long lines until the server has lost some of them, and how many there were."""
    asked = 0
    long = get("/hello.txt?" + "q" * 3000)
    while not lost() and asked < 5000:
        with server.client() as client:
            for _ in range(100):
                require(client.ask(long).body == HELLO, "not answered")
            asked += 100
    return asked


@case("a reader of the log that stops holds up nobody, and what it misses is counted", True)
def full_fifo(world):
    """Every line is either in the pipe, whole, or counted."""
    with scratch() as path:
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with start(world, "--access-log", path, "--log-level", "error") as server:
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 65536)
            asked = ask_until_full(server, lambda: "lines are lost" in server.stderr())
            hello(server)
            text = take(reader)
            eventually(lambda: hello(server) and take(reader), "lines come when it reads again")
            lost = counter(server, LOST_COUNTER)
        os.close(reader)
        lines = text.splitlines(keepends=True)
        require(all(line.endswith("answer=whole\n") and line.startswith("127.0.0.1 - - [")
                    for line in lines), "a line that is not whole")
        require(0 < lost <= asked + 1 - len(lines), f"{lost} lost, {asked} asked, {len(lines)} there")


def take(reader):
    """What is in a pipe."""
    parts = []
    with contextlib.suppress(BlockingIOError):
        while part := os.read(reader, 1 << 20):
            parts.append(part)
    return b"".join(parts).decode()


@case("a reader of the log on stdout that stops holds up nobody, not even the end", True)
def full_stdout(world):
    """A pipe of another program, which keeps its own flags."""
    command = [world.program, "--root", str(world.root), "--listen", "127.0.0.1:0",
               "--access-log", "-", *world.base_args]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
            try:
                line = process.stdout.readline().decode()
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 65536)
                require(line.startswith("listening on "), f"first line {line!r}")
                server = Addressed(parse_address(line.split()[-1]), errors)
                ask_until_full(server, server.has_lost)
                require(server.has_lost(), "no line is lost")
                process.send_signal(signal.SIGTERM)
                require(process.wait(scaled(12)) == 0, f"exit code {process.returncode}")
            except subprocess.TimeoutExpired:
                raise CaseFailed("it does not end") from None
            finally:
                process.kill()


class Addressed:
    """A server of which only the address and its stderr are known."""

    def __init__(self, address, errors):
        self.address, self.errors = address, errors

    def client(self):
        """A new connection."""
        return Client(self.address)

    def has_lost(self):
        """Has it said that lines are lost?"""
        return b"lines are lost" in os.pread(self.errors.fileno(), 1 << 20, 0)
